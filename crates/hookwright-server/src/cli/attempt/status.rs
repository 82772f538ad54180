//! How an attempt or a delivery stands, in words for flags and in the API's numbers.

use clap::ValueEnum;

/// How far a message has come at an endpoint.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum Status {
    /// The endpoint took it
    Success,
    /// Another attempt follows
    Pending,
    /// The endpoint did not take it
    Failed,
    /// It is being sent
    Sending,
}

/// How an attempt ended: none is listed before it has.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum Ended {
    /// The endpoint took it
    Success,
    /// The endpoint did not take it
    Failed,
}

/// The class of an answer's status code.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum Class {
    /// There was no answer
    None,
    #[value(name = "1xx")]
    Informational,
    #[value(name = "2xx")]
    Successful,
    #[value(name = "3xx")]
    Redirection,
    #[value(name = "4xx")]
    ClientError,
    #[value(name = "5xx")]
    ServerError,
}

impl Status {
    /// The number in the API.
    pub(in crate::cli) fn code(self) -> u8 {
        match self {
            Status::Success => 0,
            Status::Pending => 1,
            Status::Failed => 2,
            Status::Sending => 3,
        }
    }
}

impl Ended {
    /// The number in the API.
    pub(super) fn code(self) -> u8 {
        match self {
            Ended::Success => Status::Success.code(),
            Ended::Failed => Status::Failed.code(),
        }
    }
}

impl Class {
    /// The number in the API.
    pub(in crate::cli) fn code(self) -> u16 {
        match self {
            Class::None => 0,
            Class::Informational => 100,
            Class::Successful => 200,
            Class::Redirection => 300,
            Class::ClientError => 400,
            Class::ServerError => 500,
        }
    }
}
