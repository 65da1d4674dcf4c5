//! A real API server of Kubernetes, without nodes: etcd and kube-apiserver, built once from their own modules, which takes a quarter of an hour, and cached.
//!
//! Built only where `TAILWATER_BUILD_KUBE=1` asks for it; otherwise the test takes what is in the cache, or is skipped. There is no kubelet: tests write
//! the status of pods themselves.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::clients::{Missing, cached, run};
use crate::watchdog::Watchdog;
use crate::{free_port, wait_until};

/// What is built, and how; the cache is known by it.
const BUILD: &str = include_str!("kube.sh");
const READY_WITHIN: Duration = Duration::from_secs(120);

/// The folder of `etcd` and `kube-apiserver`, built now or earlier.
pub fn binaries() -> Result<PathBuf, Missing> {
    let wanted = std::env::var("TAILWATER_BUILD_KUBE").is_ok_and(|value| value == "1");
    let look = || {
        cached("kube", BUILD.as_bytes(), |folder| {
            ensure!(
                wanted,
                "it isn't in the cache; TAILWATER_BUILD_KUBE=1 builds it, which takes Go and a quarter of an hour"
            );
            fs::create_dir_all(folder)?;
            fs::write(folder.join("build.sh"), BUILD)?;
            run(Command::new("bash").arg("build.sh").current_dir(folder))
        })
    };
    // Not with the other clients: whoever requires those needn't wait for a quarter of an hour.
    look().map_err(|error| {
        assert!(!wanted, "TAILWATER_BUILD_KUBE=1 but {error:#}");
        // Not `eprintln!`, which the test harness swallows.
        let _ = writeln!(
            std::io::stderr(),
            "\n*** skipped, no Kubernetes API server to test with: {error:#} ***\n"
        );
        Missing
    })
}

/// A cluster without nodes, until dropped.
pub struct Cluster {
    binaries: PathBuf,
    folder: PathBuf,
    etcd_port: u16,
    port: u16,
    _etcd: Running,
    server: Option<Running>,
}

struct Running {
    child: Child,
    watchdog: Watchdog,
}

impl Running {
    fn start(command: &mut Command, log: &Path) -> Self {
        let log = fs::File::options().create(true).append(true).open(log);
        let log = log.unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("it starts");
        let watchdog = Watchdog::over(child.id(), None).unwrap();
        Self { child, watchdog }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.watchdog.dismiss();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Cluster {
    /// Its data and its logs lie in `folder`.
    pub fn start(binaries: &Path, folder: &Path) -> Self {
        fs::create_dir_all(folder).unwrap();
        let (etcd_port, peers) = (free_port().unwrap(), free_port().unwrap());
        let local = |port: u16| format!("http://127.0.0.1:{port}");
        let etcd = Running::start(
            Command::new(binaries.join("etcd"))
                .arg("--data-dir")
                .arg(folder.join("etcd"))
                .args(["--listen-client-urls", &local(etcd_port)])
                .args(["--advertise-client-urls", &local(etcd_port)])
                .args(["--listen-peer-urls", &local(peers), "--unsafe-no-fsync"]),
            &folder.join("etcd.log"),
        );
        run(Command::new("openssl")
            .args(["genrsa", "-out", "sa.key", "2048"])
            .current_dir(folder))
        .unwrap();
        run(Command::new("openssl")
            .args(["rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub"])
            .current_dir(folder))
        .unwrap();
        // The watcher's user has no rights but what a test gives it.
        fs::write(
            folder.join("tokens.csv"),
            "admin-token,admin,1,system:masters\nwatcher-token,watcher,2\n",
        )
        .unwrap();
        let mut cluster = Self {
            binaries: binaries.to_owned(),
            folder: folder.to_owned(),
            etcd_port,
            port: free_port().unwrap(),
            _etcd: etcd,
            server: None,
        };
        cluster.start_server();
        cluster
    }

    /// Starts the API server, on the port that it had.
    pub fn start_server(&mut self) {
        let server = Running::start(
            Command::new(self.binaries.join("kube-apiserver"))
                .arg(format!(
                    "--etcd-servers=http://127.0.0.1:{}",
                    self.etcd_port
                ))
                .arg(format!("--secure-port={}", self.port))
                .args(["--cert-dir=certs", "--bind-address=127.0.0.1"])
                .arg("--service-account-issuer=https://kubernetes.default.svc")
                .args([
                    "--service-account-key-file=sa.pub",
                    "--service-account-signing-key-file=sa.key",
                ])
                .args(["--token-auth-file=tokens.csv", "--authorization-mode=RBAC"])
                .arg("--disable-admission-plugins=ServiceAccount")
                .arg("--service-cluster-ip-range=10.0.0.0/24")
                .current_dir(&self.folder),
            &self.folder.join("apiserver.log"),
        );
        self.server = Some(server);
        wait_until("the API server to be ready", READY_WITHIN, || {
            self.ask("GET", "/readyz", None).0 == 200
        });
    }

    /// Kills the API server; what it knows stays.
    pub fn stop_server(&mut self) {
        self.server = None;
    }

    /// A kubeconfig of the watcher's user.
    pub fn kubeconfig(&self) -> PathBuf {
        let path = self.folder.join("kubeconfig");
        let text = format!(
            "apiVersion: v1\nkind: Config\nclusters: [{{name: c, cluster: {{server: 'https://127.0.0.1:{}', insecure-skip-tls-verify: true}}}}]\n\
             users: [{{name: u, user: {{token: watcher-token}}}}]\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\ncurrent-context: x\n",
            self.port
        );
        fs::write(&path, text).unwrap();
        path
    }

    /// One request of the administrator: status and body. 0: nobody answered.
    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let patch = "content-type: application/strategic-merge-patch+json";
        let json = "content-type: application/json";
        let mut command = Command::new("curl");
        command
            .args(["-sk", "-m", "20", "-X", method, "-w", "\n%{http_code}"])
            .args(["-H", "authorization: Bearer admin-token"])
            .args(["-H", if method == "PATCH" { patch } else { json }])
            .arg(format!("https://127.0.0.1:{}{path}", self.port));
        if let Some(body) = body {
            command.args(["-d", &body.to_string()]);
        }
        let output = command.output().expect("curl is there");
        let text = String::from_utf8_lossy(&output.stdout);
        let (body, code) = text.rsplit_once('\n').unwrap_or(("", "0"));
        let body = serde_json::from_str(body).unwrap_or_default();
        (code.trim().parse().unwrap_or(0), body)
    }

    /// The same, of which the answer has to be a success.
    #[track_caller]
    pub fn done(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let (code, answer) = self.ask(method, path, body);
        assert!(
            (200..300).contains(&code),
            "{method} {path}: {code} {answer}"
        );
        answer
    }
}
