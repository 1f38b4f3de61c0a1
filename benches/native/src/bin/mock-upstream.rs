//! An HTTP API on a free port of the loopback interface that answers everything at once with the same JSON.
//!
//! Prints its address on stdout and ends when its stdin does, so it never outlives its caller.

use std::convert::Infallible;
use std::io::{self, Read};
use std::net::Ipv4Addr;
use std::process;
use std::thread;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

const BODY: &[u8] = br#"{"data":[{"id":1,"state":"running"}]}"#;

fn main() -> io::Result<()> {
    thread::spawn(end_with_caller);
    tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(listen())
}

fn end_with_caller() {
    // An error of stdin means the same as its end.
    let _ = io::stdin().read_to_end(&mut Vec::new());
    process::exit(0);
}

async fn listen() -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(serve(stream));
    }
}

async fn serve(stream: TcpStream) {
    // A client that goes away in the middle of a request is its own business.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)).await;
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    // The connection can be used again only once the request has been read to its end.
    let _ = request.into_body().collect().await;
    let mut response = Response::new(Full::new(Bytes::from_static(BODY)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
