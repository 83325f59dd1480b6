//! Shows a page to the browsers of this machine, and tells them when it has changed. It listens on the loopback address alone,
//! answers only those who know its token, and takes no orders.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// How long a browser may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often somebody looks whether the page has changed.
const LOOK: Duration = Duration::from_secs(1);
/// How long nothing is done where nobody asks.
const NAP: Duration = Duration::from_millis(30);
/// Bytes of a request.
const REQUEST: usize = 16 << 10;
/// Browsers that are heard out at once.
const AT_ONCE: usize = 64;

/// A server of one page.
#[derive(Debug)]
pub struct LocalServer {
    listener: TcpListener,
    address: SocketAddr,
    token: String,
    /// The browsers that wait for news.
    waiting: Vec<TcpStream>,
}

/// What is served.
pub struct Served<'s> {
    /// The page as it is now.
    pub page: &'s mut dyn FnMut() -> String,
    /// What is another value once the page has changed.
    pub stamp: &'s mut dyn FnMut() -> u64,
    /// Whether it is time to end.
    pub is_over: &'s dyn Fn() -> bool,
}

impl LocalServer {
    /// Listens on a port of the loopback address; on any that is free for 0.
    pub fn open(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, token: token(), waiting: Vec::new() })
    }

    /// Where a browser finds the page.
    pub fn url(&self) -> String {
        format!("http://{}/?token={}", self.address, self.token)
    }

    /// Serves the page until it is time to end.
    pub fn serve(&mut self, served: &mut Served<'_>) -> io::Result<()> {
        let (mut stamp, mut looked) = ((served.stamp)(), Instant::now());
        let (asked, asking) = mpsc::channel();
        let reading = Arc::new(AtomicUsize::new(0));
        while !(served.is_over)() {
            match self.listener.accept() {
                Ok((stream, _)) => hear(stream, &asked, &reading),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(NAP),
                Err(error) => return Err(error),
            }
            while let Ok((request, stream)) = asking.try_recv() {
                // a browser that goes away in between is no matter
                let _ = self.answer(&request, stream, served.page);
            }
            if looked.elapsed() >= LOOK {
                looked = Instant::now();
                let now = (served.stamp)();
                let news: &[u8] = if now == stamp { b": still here\n\n" } else { b"data: changed\n\n" };
                stamp = now;
                self.waiting.retain_mut(|browser| browser.write_all(news).is_ok());
            }
        }
        Ok(())
    }

    fn answer(&mut self, request: &Request, mut stream: TcpStream, page: &mut dyn FnMut() -> String) -> io::Result<()> {
        match self.wanted(&request.first, &request.host) {
            Wanted::Page => reply(stream, "200 OK", "text/html; charset=utf-8", &page()),
            Wanted::News => {
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n\r\n";
                stream.write_all(head.as_bytes())?;
                self.waiting.push(stream);
                Ok(())
            }
            Wanted::Nothing => reply(stream, "404 Not Found", "text/plain", "there is nothing here\n"),
            Wanted::Forbidden => {
                reply(stream, "403 Forbidden", "text/plain", "open the address that vmesh printed: it has a token\n")
            }
        }
    }

    /// What a request's first line asks for. A page of somebody else's must not get at this one under another name.
    fn wanted(&self, first: &str, host: &str) -> Wanted {
        let mut words = first.split(' ');
        let (Some("GET"), Some(target)) = (words.next(), words.next()) else { return Wanted::Forbidden };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let is_meant = host == self.address.to_string() || host == format!("localhost:{}", self.address.port());
        let is_known = query.split('&').any(|part| part.strip_prefix("token=") == Some(&self.token));
        match path {
            _ if !is_meant || !is_known => Wanted::Forbidden,
            "/" => Wanted::Page,
            "/news" => Wanted::News,
            _ => Wanted::Nothing,
        }
    }
}

/// What is read of a request.
#[derive(Default)]
struct Request {
    /// Its first line.
    first: String,
    /// By which name the server was asked.
    host: String,
}

/// Hears a browser out beside the others: one that is slow keeps nobody waiting, and too many are sent away.
fn hear(stream: TcpStream, asked: &mpsc::Sender<(Request, TcpStream)>, reading: &Arc<AtomicUsize>) {
    if reading.fetch_add(1, Ordering::SeqCst) >= AT_ONCE {
        reading.fetch_sub(1, Ordering::SeqCst);
        return;
    }
    let (asked, reading) = (asked.clone(), reading.clone());
    std::thread::spawn(move || {
        if let Ok(request) = read(&stream) {
            // nobody listens any more once it is time to end
            let _ = asked.send((request, stream));
        }
        reading.fetch_sub(1, Ordering::SeqCst);
    });
}

/// Reads a request, of so many bytes and within so much time.
fn read(stream: &TcpStream) -> io::Result<Request> {
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let start = Instant::now();
    let (mut text, mut buffer, mut stream) = (Vec::new(), [0; 1024], stream);
    while !text.windows(4).any(|end| end == b"\r\n\r\n") {
        let left = PATIENCE.checked_sub(start.elapsed()).filter(|left| !left.is_zero());
        stream.set_read_timeout(Some(left.ok_or(io::ErrorKind::TimedOut)?))?;
        match stream.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => text.extend_from_slice(&buffer[..n]),
        }
        if text.len() > REQUEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    let text = String::from_utf8_lossy(&text);
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default().to_owned();
    let is_host = |(name, value): (&str, &str)| name.eq_ignore_ascii_case("host").then(|| value.trim().to_owned());
    let host = lines.filter_map(|line| line.split_once(':')).find_map(is_host).unwrap_or_default();
    Ok(Request { first, host })
}

enum Wanted {
    Page,
    News,
    Nothing,
    Forbidden,
}

fn reply(mut stream: TcpStream, status: &str, kind: &str, body: &str) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

/// What nobody guesses: the keys of the standard library's hashes come from the system.
fn token() -> String {
    (0..2).map(|_| format!("{:016x}", RandomState::new().build_hasher().finish())).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::sync::atomic::{AtomicBool, AtomicU64};

    fn ask(address: SocketAddr, target: &str, host: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        write!(stream, "GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
        let mut told = String::new();
        stream.read_to_string(&mut told).unwrap();
        told
    }

    #[test]
    fn only_who_knows_the_token_sees_the_page_and_hears_of_changes() {
        let mut server = LocalServer::open(0).unwrap();
        let (address, token) = (server.address, server.token.clone());
        assert_eq!(token.len(), 32);
        let (is_over, stamp) = (AtomicBool::new(false), AtomicU64::new(1));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                server.serve(&mut Served {
                    page: &mut || "the page".to_owned(),
                    stamp: &mut || stamp.load(Ordering::SeqCst),
                    is_over: &|| is_over.load(Ordering::SeqCst),
                })
            });
            let (host, page) = (address.to_string(), format!("/?token={token}"));
            let seen = ask(address, &page, &host);
            assert!(seen.starts_with("HTTP/1.1 200 OK") && seen.ends_with("\r\n\r\nthe page"), "{seen}");
            for (target, host) in [
                ("/", host.as_str()),
                ("/?token=", &host),
                (&format!("/?token={}", token.to_uppercase()), &host),
                (&page, "evil.example"),
                (&format!("/news?token=x{token}"), &host),
            ] {
                let refused = ask(address, target, host);
                assert!(
                    refused.starts_with("HTTP/1.1 403") && !refused.contains("the page"),
                    "{target} {host}: {refused}"
                );
            }
            assert!(ask(address, &format!("/etc/passwd?token={token}"), &host).starts_with("HTTP/1.1 404"));
            // those who say nothing keep nobody waiting
            let silent: Vec<TcpStream> = (0..30).map(|_| TcpStream::connect(address).unwrap()).collect();
            assert!(ask(address, &page, &host).ends_with("the page"));
            drop(silent);
            let mut stream = TcpStream::connect(address).unwrap();
            write!(stream, "GET /news?token={token} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
            stamp.store(2, Ordering::SeqCst);
            let told = BufReader::new(stream).lines().map(Result::unwrap).find(|line| line == "data: changed");
            assert!(told.is_some());
            is_over.store(true, Ordering::SeqCst);
        });
    }
}
