//! Files of length-prefixed requests: a u32 in little-endian, then as many bytes of `ExportTraceServiceRequest`.

use std::io::{self, Read, Write};

use bytes::Bytes;

/// No request is larger; a larger length means that the file is something else.
const REQUEST_BYTES_MAX: usize = 256 << 20;

/// Appends one request.
pub fn write(out: &mut impl Write, request: &[u8]) -> io::Result<()> {
    let length = u32::try_from(request.len())
        .map_err(|_| io::Error::other("a request of more than 4 GiB"))?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(request)
}

/// Reads the next request; `None` at the end of the file.
///
/// # Errors
/// The file ends within a request, or a length is beyond 256 MiB.
pub fn read(input: &mut impl Read) -> io::Result<Option<Bytes>> {
    let mut length = [0; 4];
    match input.read(&mut length[..1])? {
        0 => return Ok(None),
        _ => input.read_exact(&mut length[1..])?,
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > REQUEST_BYTES_MAX {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!(
                "a request of {length} bytes: this is not a file of length-prefixed OTLP requests"
            ),
        ));
    }
    let mut request = vec![0; length];
    input.read_exact(&mut request)?;
    Ok(Some(request.into()))
}
