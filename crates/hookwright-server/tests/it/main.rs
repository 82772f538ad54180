//! The server, its API, its pages and its command line, each driven from outside.

// `cfg(test)` is always on here; it tells clippy that functions shared by tests may unwrap as tests do.
#[cfg(test)]
mod api;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod cluster;
#[cfg(test)]
mod inbound;
#[cfg(test)]
mod operational;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod rest_hooks;
#[cfg(test)]
mod sdk;

#[cfg(test)]
mod crash;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod moving;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod shutdown;

#[cfg(test)]
mod live;
