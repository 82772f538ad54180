//! A signed request to check, and to break.

use hookwright_signature::{Parts, Secret, Verified, Verifier, VerifyError, sign};

pub(crate) const NOW: u64 = 1_700_000_000;

/// A request as it goes over the wire.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) id: Vec<u8>,
    pub(crate) timestamp: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// Signed at [`NOW`].
    pub(crate) fn signed(secret: &Secret, id: &str, body: &[u8]) -> Self {
        Self::signed_at(secret, id, NOW, body)
    }

    pub(crate) fn signed_at(secret: &Secret, id: &str, timestamp: u64, body: &[u8]) -> Self {
        Self {
            id: id.into(),
            timestamp: timestamp.to_string().into(),
            signature: sign(secret, id, timestamp, body).unwrap().into(),
            body: body.into(),
        }
    }

    /// Checked at [`NOW`].
    pub(crate) fn verify(&self, verifier: &Verifier) -> Result<Verified, VerifyError> {
        let parts = Parts { id: &self.id, timestamp: &self.timestamp, signature: &self.signature };
        verifier.verify_parts(parts, &self.body, NOW)
    }
}

/// One secret of each kind.
pub(crate) fn both_kinds() -> [Secret; 2] {
    [Secret::generate().unwrap(), Secret::generate_asymmetric().unwrap()]
}
