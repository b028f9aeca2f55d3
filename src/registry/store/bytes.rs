//! Numbers, texts and sorted names as few bytes, and back. Pure; reading never trusts what it reads.

/// Bytes in the making.
#[derive(Debug, Default)]
pub(super) struct Writer(Vec<u8>);

/// A text, or that there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MaybeText<'b>(pub(super) Option<&'b str>);

/// Bytes that are read from the front; `None` when they end too early or make no sense.
#[derive(Debug)]
pub(super) struct Reader<'b>(&'b [u8]);

impl Writer {
    /// The bytes, with a checksum behind them.
    pub(super) fn sealed(mut self) -> Vec<u8> {
        let sum = checksum(&self.0);
        self.0.extend_from_slice(&sum);
        self.0
    }

    /// The bytes as they are.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// Seven bits a byte, the lowest first.
    pub(super) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }

    pub(super) fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    /// A number of which small ones are likely, on both sides of zero.
    pub(super) fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)).cast_unsigned());
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.count(text.len());
        self.raw(text.as_bytes());
    }

    /// `None` is told apart from the empty text.
    pub(super) fn maybe_text(&mut self, text: Option<&str>) {
        match text {
            None => self.number(0),
            Some(text) => {
                self.count(text.len() + 1);
                self.raw(text.as_bytes());
            }
        }
    }

    /// Names in order: of each only what differs from the one before.
    pub(super) fn names<'n>(&mut self, names: impl ExactSizeIterator<Item = &'n str>) {
        self.count(names.len());
        let mut before = "";
        for name in names {
            let shared = name.bytes().zip(before.bytes()).take_while(|(a, b)| a == b).count();
            self.count(shared);
            self.count(name.len() - shared);
            self.raw(&name.as_bytes()[shared..]);
            before = name;
        }
    }
}

impl<'b> Reader<'b> {
    /// Begins to read what [`Writer::sealed`] gave; `None` when the checksum is wrong.
    pub(super) fn open(bytes: &'b [u8]) -> Option<Self> {
        let (content, sum) = bytes.split_last_chunk::<8>()?;
        (checksum(content) == *sum).then_some(Self(content))
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// How many things follow. Each takes at least a byte, so there cannot be more than bytes.
    pub(super) fn count(&mut self) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count <= self.0.len()).then_some(count)
    }

    pub(super) fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    pub(super) fn raw(&mut self, length: usize) -> Option<&'b [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(super) fn text(&mut self) -> Option<&'b str> {
        let length = self.count()?;
        std::str::from_utf8(self.raw(length)?).ok()
    }

    pub(super) fn maybe_text(&mut self) -> Option<MaybeText<'b>> {
        let Some(length) = usize::try_from(self.number()?).ok()?.checked_sub(1) else { return Some(MaybeText(None)) };
        Some(MaybeText(Some(std::str::from_utf8(self.raw(length)?).ok()?)))
    }

    /// Gives each name to `take`, which says whether it is one.
    pub(super) fn names<T>(&mut self, take: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
        let count = self.count()?;
        let mut names = Vec::with_capacity(count);
        let mut name = Vec::new();
        for _ in 0..count {
            let shared = usize::try_from(self.number()?).ok()?;
            if shared > name.len() {
                return None;
            }
            let length = usize::try_from(self.number()?).ok()?;
            name.truncate(shared);
            name.extend_from_slice(self.raw(length)?);
            names.push(take(std::str::from_utf8(&name).ok()?)?);
        }
        Some(names)
    }

    /// Whether everything was read.
    pub(super) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }
}

/// FNV-1a. It is there for disks that lie, not for enemies: whoever can write the file can do worse.
fn checksum(bytes: &[u8]) -> [u8; 8] {
    let mut sum: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in bytes {
        sum = (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    sum.to_le_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MaybeText, Reader, Writer};

    proptest! {
        #[test]
        fn what_is_written_is_read(
            number: u64, signed: i64, text: String, maybe: Option<String>, mut names: Vec<String>,
        ) {
            names.sort();
            let mut writer = Writer::default();
            writer.number(number);
            writer.signed(signed);
            writer.text(&text);
            writer.maybe_text(maybe.as_deref());
            writer.names(names.iter().map(String::as_str));
            let bytes = writer.sealed();
            let mut reader = Reader::open(&bytes).unwrap();
            prop_assert_eq!(reader.number(), Some(number));
            prop_assert_eq!(reader.signed(), Some(signed));
            prop_assert_eq!(reader.text(), Some(text.as_str()));
            prop_assert_eq!(reader.maybe_text(), Some(MaybeText(maybe.as_deref())));
            prop_assert_eq!(reader.names(|name| Some(name.to_owned())), Some(names));
            prop_assert!(reader.is_at_end());
        }

        /// Behind the checksum too, where every byte could stand.
        #[test]
        fn no_bytes_are_trusted(bytes: Vec<u8>) {
            prop_assert!(Reader::open(&bytes).is_none_or(|_| bytes.len() >= 8));
            let _ = Reader(&bytes).number();
            let _ = Reader(&bytes).count();
            let _ = Reader(&bytes).text();
            let _ = Reader(&bytes).maybe_text();
            let names = Reader(&bytes).names(|name| Some(name.len()));
            prop_assert!(names.is_none_or(|names| names.len() <= bytes.len()));
        }
    }

    #[test]
    fn a_flipped_bit_is_seen() {
        let mut writer = Writer::default();
        writer.text("what a registry said");
        let bytes = writer.sealed();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Reader::open(&damaged).is_none());
        }
    }
}
