use futures_util::FutureExt as _;
use rmcp::model::InitializeRequestParams;
use rmcp::transport::streamable_http_server::session::{RestoreOutcome, SessionState, SessionStore as _};

use super::*;

#[tokio::test(start_paused = true)]
async fn a_session_has_one_owner_and_ends_when_idle() {
    let idle = Duration::from_secs(60);
    let sessions = Sessions::new(2, idle);
    let (id, _transport) = sessions.create_session().await.unwrap();
    assert!(sessions.enter(&id, "a").is_none(), "it is nobody's yet");
    sessions.bind(&id, "a");
    assert!(sessions.enter(&id, "a").is_some() && sessions.enter(&id, "b").is_none());
    assert!(sessions.has_room());
    let (other, _transport) = sessions.create_session().await.unwrap();
    assert!(!sessions.has_room());

    let request = RequestId::Number(1);
    let waiting = sessions.wait(&id, Some(request.clone())).unwrap();
    assert!(sessions.waits(&id, &request) && !sessions.waits(&other, &request));
    assert!(sessions.wait(&id, Some(request.clone())).is_err());
    tokio::time::sleep(2 * idle).await;
    assert!(sessions.find(&id).is_some(), "somebody waits");
    assert!(sessions.find(&other).is_none(), "it was idle");
    drop(waiting);
    assert!(!sessions.waits(&id, &request));
    tokio::time::sleep(idle / 2).await;
    assert!(sessions.find(&id).is_some());
    tokio::time::sleep(idle).await;
    assert!(sessions.find(&id).is_none());
    assert!(lock(&sessions.table).awake.is_empty() && sessions.inner.sessions.read().await.is_empty());
}

/// An open session as its first answer leaves it.
async fn opened(sessions: &Sessions) -> SessionId {
    let (id, transport) = sessions.create_session().await.unwrap();
    // Nobody serves it here.
    std::mem::forget(transport);
    sessions.store(&id, &SessionState::new(InitializeRequestParams::default())).await.unwrap();
    sessions.bind(&id, "a");
    tokio::time::advance(Duration::from_millis(1)).await;
    id
}

#[tokio::test(start_paused = true)]
async fn who_is_not_waited_for_rests_when_others_wake() {
    let sessions = Sessions::new(MOST_IDLE * 4, Duration::from_secs(3600));
    let first = opened(&sessions).await;
    let (waited, listened, answered, left) =
        (opened(&sessions).await, opened(&sessions).await, opened(&sessions).await, opened(&sessions).await);
    let unfinished = sessions.create_session().await.unwrap().0;
    let waiting = sessions.wait(&waited, Some(RequestId::Number(1))).unwrap();
    let listening = sessions.wait(&listened, None).unwrap();
    sessions.wait(&answered, Some(RequestId::Number(1))).unwrap().answered = true;
    drop(sessions.wait(&left, Some(RequestId::Number(1))).unwrap());
    for _ in 0..2 * MOST_IDLE {
        opened(&sessions).await;
    }
    sessions.make_room().await;
    let is_awake = async |id: &SessionId| sessions.has_session(id).await.unwrap();
    for (id, awake, what) in [
        (&first, false, "nobody waits"),
        (&waited, true, "a request is not answered"),
        (&listened, true, "somebody listens"),
        (&answered, false, "all is answered"),
        (&left, true, "somebody may come back for an answer"),
        (&unfinished, true, "it is being opened"),
    ] {
        assert_eq!(is_awake(id).await, awake, "{what}");
        assert!(sessions.find(id).is_some(), "{what}");
    }
    assert_eq!(sessions.inner.sessions.read().await.len(), MOST_IDLE + 4);

    // It wakes again, and the end of the rest that it had is not its own.
    let entered = sessions.enter(&first, "a").unwrap();
    assert!(sessions.waking(&answered).await.is_some() && sessions.waking(&waited).await.is_none());
    let waking = sessions.waking(&first).await.unwrap();
    let second = sessions.waking(&first);
    assert!(second.now_or_never().is_none(), "one at a time");
    assert!(sessions.load(&first).await.unwrap().is_some());
    let RestoreOutcome::Restored(_transport) = sessions.restore_session(Arc::clone(&first)).await.unwrap() else {
        panic!("it was at rest");
    };
    waking.done();
    assert!(sessions.waking(&first).await.is_none());
    drop(entered);
    sessions.close_session(&first).await.unwrap();
    assert!(is_awake(&first).await && sessions.find(&first).is_some());
    sessions.close_session(&first).await.unwrap();
    assert!(!is_awake(&first).await && sessions.find(&first).is_none(), "rmcp says that it has ended");

    // Whoever was waited for rests later.
    drop((waiting, listening));
    tokio::time::advance(Duration::from_millis(1)).await;
    for _ in 0..2 * MOST_IDLE {
        opened(&sessions).await;
    }
    assert!(!is_awake(&listened).await);
    // Deleting takes those at rest away, too.
    sessions.close_session(&listened).await.unwrap();
    sessions.delete(&listened).await.unwrap();
    assert!(sessions.find(&listened).is_none() && sessions.load(&listened).await.unwrap().is_none());
}
