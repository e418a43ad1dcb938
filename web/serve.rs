//! A server for the page, for this machine only: files of one folder with their right types, packed
//! where the build has packed them. `web/serve` compiles and starts it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};

/// Lines of a request that are read at most.
const LINES: usize = 100;

/// Bytes of a request that are read at most.
const BYTES: u64 = 64 << 10;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap_or_else(|| "web/dist".into());
    let port = arguments.next().unwrap_or_else(|| "8080".into());
    let folder = PathBuf::from(folder);
    if !folder.join("index.html").is_file() {
        eprintln!(
            "{} holds no page: build it with web/build",
            folder.display()
        );
        std::process::exit(2);
    }
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    println!("http://{}/", listener.local_addr()?);
    for stream in listener.incoming().flatten() {
        let folder = folder.clone();
        std::thread::spawn(move || answer(stream, &folder).ok());
    }
    Ok(())
}

/// What a browser asks for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    path: String,
    brotli: bool,
    gzip: bool,
    body: bool,
}

fn answer(mut stream: TcpStream, folder: &Path) -> std::io::Result<()> {
    let lines: Vec<String> = BufReader::new((&mut stream).take(BYTES))
        .lines()
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .take(LINES)
        .collect();
    let Some(asked) = read(&lines) else {
        return stream.write_all(b"HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\n\r\n");
    };
    let Some((bytes, kind, packing)) =
        place(folder, &asked.path).and_then(|path| find(&path, &asked))
    else {
        return stream.write_all(
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        );
    };
    let mut head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: no-cache\r\n\
         Vary: Accept-Encoding\r\nConnection: close\r\n",
        bytes.len()
    );
    if let Some(packing) = packing {
        head += &format!("Content-Encoding: {packing}\r\n");
    }
    stream.write_all(head.as_bytes())?;
    stream.write_all(b"\r\n")?;
    if asked.body {
        stream.write_all(&bytes)?;
    }
    stream.flush()
}

fn read(lines: &[String]) -> Option<Asked> {
    let mut first = lines.first()?.split(' ');
    let method = first.next()?;
    let body = match method {
        "GET" => true,
        "HEAD" => false,
        _ => return None,
    };
    let target = first.next()?;
    let path = target.split(['?', '#']).next()?.to_owned();
    let encodings = lines.iter().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("accept-encoding")
            .then_some(value)
    });
    let takes = |name: &str| {
        encodings.is_some_and(|value| value.split([',', ';']).any(|part| part.trim() == name))
    };
    Some(Asked {
        path,
        brotli: takes("br"),
        gzip: takes("gzip"),
        body,
    })
}

/// The file a path means, within the folder only.
fn place(folder: &Path, path: &str) -> Option<PathBuf> {
    let inside = Path::new(path.trim_start_matches('/'));
    let plain = inside
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let place = folder.join(inside);
    match plain {
        true if path.ends_with('/') || place.is_dir() => Some(place.join("index.html")),
        true => Some(place),
        false => None,
    }
}

/// A file's bytes, its type, and how it is packed.
fn find(path: &Path, asked: &Asked) -> Option<(Vec<u8>, &'static str, Option<&'static str>)> {
    let kind = match path.extension()?.to_str()? {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    };
    let packed = [(asked.brotli, "br", "br"), (asked.gzip, "gz", "gzip")];
    for (wanted, ending, name) in packed {
        let mut there = path.as_os_str().to_owned();
        there.push(".");
        there.push(ending);
        if wanted && let Ok(bytes) = std::fs::read(there) {
            return Some((bytes, kind, Some(name)));
        }
    }
    Some((std::fs::read(path).ok()?, kind, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(request: &str) -> Option<Asked> {
        let lines: Vec<String> = request.lines().map(str::to_owned).collect();
        read(&lines)
    }

    #[test]
    fn a_request_says_which_file_and_how_it_may_be_packed() {
        let plain = asked("GET /a/b.js?x=1 HTTP/1.1\nHost: h").unwrap();
        assert_eq!(
            (plain.path.as_str(), plain.brotli, plain.gzip),
            ("/a/b.js", false, false)
        );
        let packed = asked("HEAD / HTTP/1.1\nAccept-encoding: gzip, br;q=0.9").unwrap();
        assert!(packed.brotli && packed.gzip && !packed.body);
        assert_eq!(asked("POST / HTTP/1.1"), None);
    }

    #[test]
    fn nothing_outside_the_folder_is_served() {
        let folder = Path::new("/srv/page");
        assert_eq!(place(folder, "/../secret"), None);
        assert_eq!(place(folder, "/a/../../secret"), None);
        assert_eq!(
            place(folder, "//etc/passwd"),
            Some(folder.join("etc/passwd"))
        );
        assert_eq!(place(folder, "/"), Some(folder.join("index.html")));
    }
}
