//! The ports of the proxy: opened, shut so that connections are refused, and opened again under the same numbers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, JoinSet};

use super::State;
use super::serve::{Visit, serve};
use crate::lab::{Result, ports, wait_until};

/// All doors, in the order of their opening.
#[derive(Debug)]
pub struct Doors {
    handle: Handle,
    state: Arc<State>,
    doors: Mutex<Vec<Door>>,
}

#[derive(Debug)]
struct Door {
    port: u16,
    task: Option<JoinHandle<()>>,
}

impl Doors {
    /// None yet.
    pub fn new(handle: &Handle, state: &Arc<State>) -> Self {
        Self { handle: handle.clone(), state: Arc::clone(state), doors: Mutex::default() }
    }

    /// Opens one and gives its number and URL. While others are shut it is shut, too.
    pub fn open(&self) -> Result<(usize, String)> {
        let [port] = ports::free()?;
        let mut doors = self.doors.lock().expect("nothing panics with it");
        let shut = doors.iter().any(|door| door.task.is_none());
        let task = if shut { None } else { Some(self.listen(port, doors.len())?) };
        doors.push(Door { port, task });
        Ok((doors.len() - 1, format!("http://127.0.0.1:{port}")))
    }

    /// Closes all ports and all connections.
    pub fn shut(&self) {
        let mut doors = self.doors.lock().expect("nothing panics with it");
        for (number, door) in doors.iter_mut().enumerate() {
            if let Some(task) = door.task.take() {
                task.abort();
                // Its end is the closing of the port. An aborted task has nothing to say.
                self.handle.block_on(task).ok();
            }
            self.state.submissions.blind(number, 4);
        }
    }

    /// Opens them all again.
    pub fn reopen(&self) -> Result<()> {
        let mut doors = self.doors.lock().expect("nothing panics with it");
        for (number, door) in doors.iter_mut().enumerate().filter(|(_, door)| door.task.is_none()) {
            let what = format!("port {}", door.port);
            door.task = Some(wait_until(&what, Duration::from_secs(30), || Ok(self.listen(door.port, number).ok()))?);
        }
        Ok(())
    }

    fn listen(&self, port: u16, number: usize) -> Result<JoinHandle<()>> {
        let listener = self.handle.block_on(TcpListener::bind(("127.0.0.1", port)))?;
        Ok(self.handle.spawn(accept(listener, Arc::clone(&self.state), number)))
    }
}

async fn accept(listener: TcpListener, state: Arc<State>, door: usize) {
    // Dropped with this task, which ends all of them.
    let mut connections = JoinSet::new();
    loop {
        let accepted = listener.accept().await;
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = accepted else {
            // Out of file descriptors, mostly: it passes.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let state = Arc::clone(&state);
        connections.spawn(async move {
            if let Ok((stream, twin)) = twins(stream) {
                let visit = Visit { state, door, twin };
                let service = service_fn(|request| serve(request, &visit));
                // A connection that is broken off is what this is for.
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
            }
        });
    }
}

/// The same connection twice: a reset has to be ordered while the server owns it.
fn twins(stream: TcpStream) -> std::io::Result<(TcpStream, TcpStream)> {
    stream.set_nodelay(true)?;
    let stream = stream.into_std()?;
    let twin = TcpStream::from_std(stream.try_clone()?)?;
    Ok((TcpStream::from_std(stream)?, twin))
}
