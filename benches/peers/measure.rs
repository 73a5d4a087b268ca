//! What a program takes: time and peak memory, as seen from outside.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a run took. Ordered by time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Figure {
    time: Duration,
    cpu: Duration,
    peak_kib: u64,
    failed: bool,
}

impl Figure {
    pub(crate) fn time(self) -> String {
        let seconds = self.time.as_secs_f64();
        let text = if seconds < 0.5 { format!("{:.1} ms", seconds * 1000.0) } else { format!("{seconds:.2} s") };
        if self.failed { format!("failed after {text}") } else { text }
    }

    pub(crate) fn failed(self) -> bool {
        self.failed
    }

    pub(crate) fn seconds(self) -> f64 {
        self.time.as_secs_f64()
    }

    /// What the program itself computed, on all cores; the rest of its time it waited for the server.
    pub(crate) fn cpu(self) -> String {
        format!("{:.2} s", self.cpu.as_secs_f64())
    }

    pub(crate) fn memory(self) -> String {
        format!("{} MB", self.peak_kib * 1024 / 1_000_000)
    }
}

impl std::ops::Add for Figure {
    type Output = Self;

    /// One after the other.
    fn add(self, other: Self) -> Self {
        Self {
            time: self.time + other.time,
            cpu: self.cpu + other.cpu,
            peak_kib: self.peak_kib.max(other.peak_kib),
            failed: self.failed || other.failed,
        }
    }
}

/// Runs it. What it says is shown where it fails.
pub(crate) fn measure(command: &mut Command) -> Figure {
    let log = tempfile::NamedTempFile::new().unwrap();
    let to_log = || Stdio::from(log.reopen().unwrap());
    let computed_before = computed_by_children();
    let started = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(to_log()).stderr(to_log()).spawn().expect("the program starts");
    let status_file = format!("/proc/{}/status", child.id());
    let (mut peak_kib, mut time) = (0, None);
    let status = loop {
        // The kernel keeps the peak itself; it is lost with the process, so the last look before its end counts.
        let text = std::fs::read_to_string(&status_file).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().trim_end_matches(" kB").parse().ok());
        peak_kib = peak_kib.max(peak.unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            time.get_or_insert(started.elapsed());
            break status;
        }
        let pause =
            if started.elapsed() < Duration::from_millis(100) { Duration::from_micros(100) } else { Duration::from_millis(2) };
        std::thread::park_timeout(pause);
    };
    if !status.success() {
        let said = std::fs::read_to_string(log.path()).unwrap_or_default();
        let end = said.lines().rev().take(8).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n");
        eprintln!("{} ended with {status}:\n{end}", command.get_program().display());
    }
    let cpu = computed_by_children().saturating_sub(computed_before);
    Figure { time: time.unwrap_or_default(), cpu, peak_kib, failed: !status.success() }
}

/// The kernel's own account of the children that have ended, in hundredths of a second.
fn computed_by_children() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |place: usize| fields.get(place).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    // cutime and cstime, counted from the field after the name.
    Duration::from_millis((ticks(13) + ticks(14)) * 10)
}

/// Repeats it until it succeeds; the failed passes count.
pub(crate) fn until_success(mut command: impl FnMut() -> Command) -> Figure {
    let mut whole = measure(&mut command());
    for _ in 0..10 {
        if !whole.failed {
            break;
        }
        let next = measure(&mut command());
        whole = Figure { failed: next.failed, ..whole + next };
    }
    whole
}

/// The fastest of so many.
pub(crate) fn best(times: usize, run: impl Fn() -> Figure) -> Figure {
    (0..times).map(|_| run()).min().expect("at least one")
}

/// Waits until the machine has been nearly idle for two seconds.
pub(crate) fn until_at_rest() {
    let deadline = Instant::now() + Duration::from_mins(2);
    let mut quiet = 0;
    while quiet < 4 && Instant::now() < deadline {
        let before = idle();
        std::thread::park_timeout(Duration::from_millis(500));
        let share = idle().saturating_sub(before).div_f64(0.5).as_secs_f64() / f64::from(cores());
        quiet = if share > 0.85 { quiet + 1 } else { 0 };
    }
    if quiet < 4 {
        eprintln!("the machine did not come to rest");
    }
}

/// How long the cores have had nothing to do.
fn idle() -> Duration {
    let text = std::fs::read_to_string("/proc/uptime").unwrap_or_default();
    let seconds = text.split_whitespace().nth(1).and_then(|seconds| seconds.parse().ok()).unwrap_or(0.0);
    Duration::from_secs_f64(seconds)
}

fn cores() -> u32 {
    std::thread::available_parallelism().ok().and_then(|cores| u32::try_from(cores.get()).ok()).unwrap_or(1)
}

/// Says where and when this is measured.
pub(crate) fn machine() {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or_default()
        .trim_start_matches(['\t', ':', ' '])
        .to_owned();
    let cores = cores();
    println!("{} · {cores} cores, {model} · load before {}", jiff::Timestamp::now().strftime("%Y-%m-%d"), load());
}

/// How many programs want to run, as a mean of the last minute: those that are measured, and what else the machine does.
pub(crate) fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}
