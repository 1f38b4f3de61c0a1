//! What is counted under load, whatever the transport.

use std::fmt::Display;
use std::io;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::{cpu_seconds, peak_kib, quantile};

/// Characters that are kept of the first error.
const EXCERPT: usize = 400;

/// Answers, as they come in.
#[derive(Default)]
pub struct Tally {
    latencies_us: Vec<u64>,
    errors: usize,
    first_error: Option<String>,
}

impl Tally {
    /// An answer came, good or not.
    pub fn answered(&mut self, after: Duration) {
        self.latencies_us.push(after.as_micros() as u64);
    }

    /// Something went wrong.
    pub fn fail(&mut self, failure: &dyn Display) {
        self.errors += 1;
        self.first_error.get_or_insert_with(|| failure.to_string().chars().take(EXCERPT).collect());
    }

    /// Adds what somebody else has counted.
    pub fn merge(&mut self, other: Tally) {
        self.latencies_us.extend(other.latencies_us);
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
    }
}

/// What a load comes to.
#[derive(Serialize)]
pub struct Figures {
    calls: usize,
    errors: usize,
    first_error: Option<String>,
    calls_per_second: f64,
    p50_us: u64,
    p99_us: u64,
    cpu_us_per_call: f64,
    /// Largest resident size since the start of the server.
    peak_kib: u64,
}

/// The clocks of a load: that of the wall and that of the server.
pub struct Meter {
    process: u32,
    begun: Instant,
    cpu_seconds: f64,
}

impl Meter {
    /// Begins to measure what this process serves.
    pub fn start(process: u32) -> io::Result<Self> {
        Ok(Self { process, cpu_seconds: cpu_seconds(process)?, begun: Instant::now() })
    }

    /// The figures of what was counted since.
    pub fn stop(self, mut tally: Tally) -> io::Result<Figures> {
        let seconds = self.begun.elapsed().as_secs_f64();
        let cpu_seconds = cpu_seconds(self.process)? - self.cpu_seconds;
        tally.latencies_us.sort_unstable();
        let calls = tally.latencies_us.len();
        Ok(Figures {
            calls,
            errors: tally.errors,
            first_error: tally.first_error,
            calls_per_second: calls as f64 / seconds,
            p50_us: quantile(&tally.latencies_us, 0.5),
            p99_us: quantile(&tally.latencies_us, 0.99),
            cpu_us_per_call: cpu_seconds * 1e6 / calls as f64,
            peak_kib: peak_kib(self.process)?,
        })
    }
}
