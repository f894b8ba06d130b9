//! The other side of the rows about memory and start: PostgreSQL, Redis and gunicorn with an empty Django whose one
//! page asks the database for a 1 – less than any real product on that stack does, so a lower bound of it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::http;
use crate::services::postgres::Postgres;
use crate::services::{Folder, free_port};
use crate::{Failure, Outcome, shell};

/// A stack that does not answer by then never will.
const START: Duration = Duration::from_secs(60);
/// The whole Django project: settings, one view, one route.
const PROJECT: &str = "\
import os
from urllib.parse import urlsplit
from django.conf import settings
url = urlsplit(os.environ['DATABASE'])
settings.configure(
    SECRET_KEY='of a benchmark', ALLOWED_HOSTS=['*'], ROOT_URLCONF=__name__,
    DATABASES={'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': url.path[1:], 'USER': url.username,
        'PASSWORD': url.password, 'HOST': url.hostname, 'PORT': url.port, 'CONN_MAX_AGE': 60}},
    CACHES={'default': {'BACKEND': 'django.core.cache.backends.redis.RedisCache',
        'LOCATION': os.environ['CACHE']}},
    INSTALLED_APPS=['django.contrib.contenttypes', 'django.contrib.auth', 'django.contrib.sessions'])
import django
django.setup()
from django.core.cache import cache
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpResponse
from django.urls import path
def page(request):
    cache.set('seen', 1)
    with connection.cursor() as cursor:
        cursor.execute('select 1')
        return HttpResponse(f'<p>{cursor.fetchone()[0]}</p>')
urlpatterns = [path('', page)]
application = get_wsgi_application()
";

/// The three programs, running or not; dropping it ends them.
pub struct Stack {
    database: Postgres,
    folder: Folder,
    python: PathBuf,
    redis: PathBuf,
    children: Vec<Child>,
}

fn broken(what: &str, error: impl std::fmt::Display) -> Failure {
    Failure::Broken(format!("{what}: {error}"))
}

impl Stack {
    /// Brings everything that is needed, with PostgreSQL initialised and stopped.
    pub fn prepare() -> Outcome<Stack> {
        let redis = shell::find("redis-server")
            .ok_or_else(|| Failure::Unready("Redis is not installed: cargo xtask setup bench".to_owned()))?;
        let python = python()?;
        let (database, folder) = (Postgres::start_durable()?, Folder::make("django")?);
        shell::write(&folder.path().join("project.py"), PROJECT)?;
        database.crash()?;
        Ok(Stack { database, folder, python, redis, children: Vec::new() })
    }

    /// Starts all three at once; seconds until the page comes.
    pub fn start(&mut self) -> Outcome<f64> {
        let (redis, web) = (free_port()?, free_port()?);
        let started = Instant::now();
        let mut command = Command::new(&self.redis);
        command.args(["--save", "", "--bind", "127.0.0.1", "--port", &redis.to_string()]);
        self.children.push(command.stdout(Stdio::null()).spawn().map_err(|error| broken("redis", error))?);
        let mut command = Command::new(self.python.with_file_name("gunicorn"));
        command.args([
            "--workers",
            "2",
            "--log-level",
            "error",
            "--bind",
            &format!("127.0.0.1:{web}"),
            "project",
        ]);
        command.current_dir(self.folder.path()).env("DATABASE", self.database.url());
        command.env("CACHE", format!("redis://127.0.0.1:{redis}")).stderr(Stdio::null());
        self.children.push(command.spawn().map_err(|error| broken("gunicorn", error))?);
        self.database.restart()?;
        while started.elapsed() < START {
            if http::get(web, "/", None).is_ok_and(|answer| answer.body == b"<p>1</p>") {
                return Ok(started.elapsed().as_secs_f64());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err(Failure::Broken("Django does not answer".to_owned()))
    }

    /// Memory of all its processes, shared pages counted once, bytes.
    pub fn memory(&self) -> Outcome<f64> {
        let mut pids: Vec<u32> = self.children.iter().map(Child::id).collect();
        pids.push(self.database.pid()?);
        Ok(family(&pids).into_iter().map(proportional).sum())
    }

    /// Ends everything.
    pub fn stop(&mut self) -> Outcome {
        for child in &mut self.children {
            shell::run(Command::new("kill").arg(child.id().to_string()))?;
            let _ = child.wait();
        }
        self.children.clear();
        self.database.crash()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

/// An interpreter of our own with what the stack needs, made once under the target folder.
fn python() -> Outcome<PathBuf> {
    let folder = shell::target().join("bench/django");
    let python = folder.join("bin/python");
    if !folder.join("bin/gunicorn").exists() {
        shell::run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", "django", "gunicorn", "psycopg[binary]", "redis"]);
        shell::run(&mut install)?;
    }
    Ok(python)
}

/// These processes and all that descend from them.
fn family(roots: &[u32]) -> Vec<u32> {
    let parent = |pid: u32| -> Option<u32> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        text.rsplit(')').next()?.split(' ').nth(2)?.parse().ok()
    };
    let all: Vec<u32> = std::fs::read_dir("/proc")
        .map(|entries| {
            entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
        })
        .unwrap_or_default();
    let mut found = roots.to_vec();
    let mut next = 0;
    while next < found.len() {
        let root = found[next];
        found.extend(all.iter().filter(|pid| parent(**pid) == Some(root)));
        next += 1;
    }
    found
}

/// Proportional set size of a process, bytes: pages shared by n processes count for one nth each.
pub fn proportional(pid: u32) -> f64 {
    let path = PathBuf::from(format!("/proc/{pid}/smaps_rollup"));
    field(&path, "Pss:")
}

/// A field of one of the kernel's tables that is given in kB, bytes.
fn field(path: &Path, name: &str) -> f64 {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(f64::NAN) * 1024.0
}

/// Resident memory of a process, bytes.
pub fn resident(pid: u32) -> f64 {
    field(&PathBuf::from(format!("/proc/{pid}/status")), "VmRSS:")
}
