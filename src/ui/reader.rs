//! Whoever reads the results may leave before they end: `kfctl status --watch | head`. A run that writes to a cluster goes on; one
//! that only tells has nobody left to tell.

use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::oneshot;

/// Comes when nobody reads standard output any more; never, where it is no pipe.
pub async fn reader_left() {
    let (sender, left) = oneshot::channel();
    // A thread of its own, as the runtime would wait for one of its own to end.
    std::thread::spawn(move || {
        let stdout = std::io::stdout();
        // Nothing is asked for: what breaks is told anyway.
        let mut watched = [PollFd::new(&stdout, PollFlags::empty())];
        while poll(&mut watched, None).is_err_and(|error| error == rustix::io::Errno::INTR) {}
        sender.send(())
    });
    if left.await.is_err() {
        std::future::pending::<()>().await;
    }
}
