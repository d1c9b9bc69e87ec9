//! A password from standard input. As an argument, every account of the machine could list it.

use std::{
    fs::File,
    io::{self, IsTerminal, Read},
    os::fd::AsFd,
};

use letterhead_domain::{field_errors::Invalid, password::SmtpPassword};
use zeroize::Zeroizing;

/// The first line of standard input, without its end.
pub(super) fn from_stdin() -> Result<Zeroizing<String>, Invalid> {
    if io::stdin().is_terminal() {
        return Err(Invalid::new(
            "required",
            "standard input is a terminal, which would show the password; hand it over from a \
             file or a password manager, as in `letterhead test … --password-stdin < file`",
        ));
    }
    // Past the standard library's buffer, which nobody wipes.
    let stdin = io::stdin().as_fd().try_clone_to_owned().map_err(|_| unreadable())?;
    first_line(&mut File::from(stdin))
}

fn unreadable() -> Invalid {
    Invalid::new("malformed", "standard input cannot be read")
}

/// Reads byte by byte: not one too many, and into memory that is wiped.
fn first_line(input: &mut impl Read) -> Result<Zeroizing<String>, Invalid> {
    // It never grows, for what it would leave behind; there is room for a carriage return.
    let longest = SmtpPassword::MAX_LEN + 1;
    let mut line = Zeroizing::new(Vec::with_capacity(longest));
    let mut byte = Zeroizing::new([0]);
    loop {
        match input.read(byte.as_mut()) {
            Ok(0) => break,
            Ok(_) if byte[0] == b'\n' => break,
            Ok(_) if line.len() == longest => {
                return Err(Invalid::too_long(SmtpPassword::MAX_LEN, "bytes"));
            }
            Ok(_) => line.push(byte[0]),
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Err(unreadable()),
        }
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    if line.is_empty() {
        let message = "standard input is empty: give the password on its first line";
        return Err(Invalid::new("required", message));
    }
    match str::from_utf8(&line) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(Invalid::new("malformed", "the password is not text in UTF-8")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8]) -> (Result<String, &'static str>, usize) {
        let mut rest = input;
        let line = first_line(&mut rest);
        let line = line.map(|line| line.as_str().to_owned()).map_err(|invalid| invalid.code);
        (line, rest.len())
    }

    #[test]
    fn a_password_is_the_first_line_without_its_end() {
        let long = "x".repeat(SmtpPassword::MAX_LEN);
        let cases = [
            ("hunter2", "hunter2", 0),
            ("hunter2\n", "hunter2", 0),
            ("hunter2\r\nmore", "hunter2", 4),
            (" spaces stay \n", " spaces stay ", 0),
            (&format!("{long}\r\n"), &long, 0),
        ];
        for (input, expected, left) in cases {
            assert_eq!(read(input.as_bytes()), (Ok(expected.to_owned()), left), "{input:?}");
        }
    }

    #[test]
    fn what_is_no_password_is_refused_by_its_kind() {
        let long = vec![b'x'; SmtpPassword::MAX_LEN + 2];
        let cases: [(&[u8], _); 5] = [
            (b"", "required"),
            (b"\nsecond line", "required"),
            (b"\r\n", "required"),
            (&long, "too_long"),
            (b"\xff\xfe\n", "malformed"),
        ];
        for (input, code) in cases {
            assert_eq!(read(input).0, Err(code), "{input:?}");
        }
    }
}
