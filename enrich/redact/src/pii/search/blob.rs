//! Pictures and recordings in bytes.

/// By how such files begin: JPEG, PNG, GIF, TIFF, WebP and WAV, Ogg, FLAC, MP3 with a tag, MP4 and HEIC, DICOM, JPEG 2000.
pub(super) fn is_picture_or_sound(bytes: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 9] = [
        b"\xFF\xD8\xFF",
        b"\x89PNG\r\n\x1A\n",
        b"GIF8",
        b"II*\0",
        b"MM\0*",
        b"OggS",
        b"fLaC",
        b"ID3",
        b"\0\0\0\x0CjP  ",
    ];
    let at = |from: usize, text: &[u8]| bytes.get(from..from + text.len()) == Some(text);
    BEGINNINGS
        .iter()
        .any(|beginning| bytes.starts_with(beginning))
        || at(0, b"RIFF") && (at(8, b"WAVE") || at(8, b"WEBP"))
        || at(4, b"ftyp")
        || at(128, b"DICM")
}
