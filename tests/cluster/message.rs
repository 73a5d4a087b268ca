//! Requests and answers of HTTP/1.1, read and written as they are: a proxy that breaks them has to hold them in its hands.

use std::io::{self, BufRead, Write};

/// A request or an answer of HTTP/1.1.
#[derive(Debug, Clone, Default)]
pub(crate) struct Message {
    pub(crate) start: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Message {
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, text: &str) -> Self {
        text.as_bytes().clone_into(&mut self.body);
        self
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn method(&self) -> &str {
        self.start.split(' ').next().unwrap_or_default()
    }

    pub(crate) fn path(&self) -> &str {
        self.start.split(' ').nth(1).unwrap_or_default()
    }

    /// What is asked, and in which form.
    pub(crate) fn key(&self) -> String {
        format!("{} {}", self.start, self.header("accept").unwrap_or_default())
    }

    /// `None` where the other side has hung up.
    pub(crate) fn read_head(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut message = Self::default();
        if from.read_line(&mut message.start)? == 0 {
            return Ok(None);
        }
        message.start.truncate(message.start.trim_end().len());
        loop {
            let mut line = String::new();
            from.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else { break };
            message.headers.push((name.to_owned(), value.trim().to_owned()));
        }
        Ok(Some(message))
    }

    pub(crate) fn read_body(mut self, from: &mut impl BufRead, is_answer: bool) -> io::Result<Self> {
        if self.header("transfer-encoding").is_some() {
            loop {
                let chunk = read_chunk(from)?;
                if chunk.is_empty() {
                    break;
                }
                self.body.extend(chunk);
            }
            self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("transfer-encoding"));
        } else if let Some(length) = self.header("content-length").and_then(|length| length.parse().ok()) {
            self.body.resize(length, 0);
            from.read_exact(&mut self.body)?;
        } else if is_answer {
            from.read_to_end(&mut self.body)?;
        }
        Ok(self)
    }

    pub(crate) fn write_head(&self, to: &mut impl Write) -> io::Result<()> {
        let mut head = Vec::new();
        write!(head, "{}\r\n", self.start)?;
        for (name, value) in self.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("content-length")) {
            write!(head, "{name}: {value}\r\n")?;
        }
        if self.header("transfer-encoding").is_none() {
            write!(head, "content-length: {}\r\n", self.body.len())?;
        }
        head.extend(b"\r\n");
        to.write_all(&head)?;
        to.flush()
    }

    pub(crate) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        self.write_head(to)?;
        to.write_all(&self.body)?;
        to.flush()
    }
}

/// Reads one chunk; the last one is empty.
pub(crate) fn read_chunk(from: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    let length = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
    let mut chunk = vec![0; length + 2];
    from.read_exact(&mut chunk)?;
    chunk.truncate(length);
    Ok(chunk)
}
