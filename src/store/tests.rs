use tempfile::TempDir;

use super::*;

fn token(name: &str, hash: u8) -> TokenRecord {
    TokenRecord {
        name: name.to_owned(),
        hash: [hash; 32],
        toolsets: Some(vec!["vps".into(), "dns".into()]),
        scopes: None,
        accounts: Some(vec!["hostinger/lab".into()]),
        read_only: true,
        created: 1,
        expires: Some(2),
        used: None,
        revoked: None,
    }
}

#[test]
fn what_is_kept_is_found_again_by_another_process() {
    let folder = TempDir::new().unwrap();
    let directory = folder.path().join("state/here");
    assert!(Store::existing(&directory).unwrap().is_none());
    assert!(!directory.exists());
    let one = Store::create(&directory).unwrap();
    let other = Store::existing(&directory).unwrap().unwrap();
    assert!(!other.has_tokens().unwrap());
    assert!(one.add_token(&token("a", 1)).unwrap());
    assert!(!one.add_token(&token("a", 2)).unwrap(), "the name is taken");
    assert!(other.has_tokens().unwrap());
    assert_eq!(other.tokens().unwrap(), [token("a", 1)]);

    for (name, expected) in [("a", Revocation::Done), ("a", Revocation::Before), ("b", Revocation::Unknown)] {
        assert_eq!(one.revoke_token(name, 5).unwrap(), expected, "{name}");
    }
    other.note_use("a", 7).unwrap();
    let changed = TokenRecord { used: Some(7), revoked: Some(5), ..token("a", 1) };
    assert_eq!(one.token_by_hash(&[1; 32]).unwrap(), Some(changed));
    assert_eq!(one.token_by_hash(&[2; 32]).unwrap(), None);
}

#[test]
fn a_store_of_a_newer_version_or_of_another_program_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let path = Store::create(folder.path()).unwrap().path().to_owned();
    Connection::open(&path).unwrap().pragma_update(None, "user_version", VERSION + 1).unwrap();
    let error = Store::existing(folder.path()).unwrap_err().to_string();
    assert!(error.contains("newer version"), "{error}");

    for name in ["state.db", "state.db-wal", "state.db-shm"] {
        let _ = std::fs::remove_file(folder.path().join(name));
    }
    std::fs::write(&path, "A text of some length that is certainly no database. ".repeat(50)).unwrap();
    let error = Store::existing(folder.path()).unwrap_err().to_string();
    assert!(error.contains("backup"), "{error}");
}

#[test]
fn a_place_that_cannot_be_written_is_an_error_that_names_it() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    std::fs::create_dir_all(folder.path().join("directory/state.db")).unwrap();
    for place in ["file", "file/below", "directory"] {
        let error = Store::create(&folder.path().join(place)).unwrap_err().to_string();
        assert!(error.contains(place) && error.contains("--state-dir"), "{error}");
    }
}

#[test]
fn a_full_disk_is_an_error_and_nothing_is_kept() {
    let folder = TempDir::new().unwrap();
    let store = Store::create(folder.path()).unwrap();
    store.writer.lock().unwrap().pragma_update(None, "max_page_count", 1).unwrap();
    let full = (0..200).find_map(|number| store.add_token(&token(&format!("{number:0500}"), number)).err());
    let error = full.expect("the last page is full at some time").to_string();
    assert!(error.contains("Make room"), "{error}");
    let kept = store.tokens().unwrap().len();
    assert_eq!(Store::create(folder.path()).unwrap().tokens().unwrap().len(), kept);
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_or_replace_it() {
    use std::fs::{Permissions, metadata, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    let directory = folder.path().join("state");
    let mode = |name: &str| metadata(directory.join(name)).unwrap().permissions().mode() & 0o777;
    let store = Store::create(&directory).unwrap();
    store.add_token(&token("a", 1)).unwrap();
    for (name, expected) in [("", 0o700), ("state.db", 0o600), ("state.db-wal", 0o600), ("state.db-shm", 0o600)] {
        assert_eq!(mode(name), expected, "{name}");
    }
    drop(store);

    set_permissions(directory.join("state.db"), Permissions::from_mode(0o644)).unwrap();
    Store::create(&directory).unwrap();
    assert_eq!(mode("state.db"), 0o600);

    set_permissions(&directory, Permissions::from_mode(0o777)).unwrap();
    let error = Store::create(&directory).unwrap_err().to_string();
    assert!(error.contains("chmod 700"), "{error}");
}
