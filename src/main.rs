//! Parses the arguments, runs, and maps the outcome to an exit code.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use landwaiter::cli::Cli;
use landwaiter::daemon::Stop;

fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::from_process();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start")?;
    let code = runtime.block_on(async {
        let stop = Stop::default();
        // Where there is nothing to finish, a signal does what it always does.
        let stops_cleanly = cli.stops_cleanly();
        tokio::select! {
            code = cli.run(&stop) => code.unwrap_or_else(|error| {
                if !error.is_lost_reader() {
                    let _ = writeln!(anstream::stderr(), "error: {error}");
                }
                error.exit_code()
            }),
            _ = stop.on_signals(), if stops_cleanly => ExitCode::FAILURE,
        }
    });
    // What still runs on other threads is a look-up that nobody waits for any more.
    runtime.shutdown_background();
    Ok(code)
}
