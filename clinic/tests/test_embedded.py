"""The embedded servers, private ones in directories of this test's own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from clinic.embedded import Postgres, Valkey, postgres
from clinic.embedded.process import processes_in, socket_directory, wait_until

ROOT = Path(__file__).resolve().parents[2]


def scalar(url: str, statement: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(statement).fetchone()
        assert row is not None
        return row[0]


def run(directory: Path, code: str) -> subprocess.Popen[str]:
    """Start a Python process that has the servers of `directory` and says so, then runs `code`."""
    head = "import sys, time; from pathlib import Path; from clinic.embedded import ensure, Postgres; import psycopg\n"
    head += f"directory = Path({str(directory)!r}); ensure(directory); url = Postgres(directory).url\n"
    head += "print('up', flush=True)\n"
    return subprocess.Popen(
        [sys.executable, "-c", head + code],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
    )


def await_up(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"


def servers_of(directory: Path) -> list[str]:
    """Name the server processes that run in `directory`, keeper included."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = " ".join(process.info["cmdline"] or [])
        if str(directory) in line and process.info["status"] != psutil.STATUS_ZOMBIE and "python -c" not in line:
            found.append(line)
    return found


def test_a_committed_row_survives_kill_and_immediate_stop(private_postgres):
    with psycopg.connect(private_postgres.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (id int)")
        connection.execute("INSERT INTO kept VALUES (1)")

    private_postgres.kill()
    assert not private_postgres.running
    private_postgres.start()
    private_postgres.stop("immediate")
    private_postgres.start()

    assert scalar(private_postgres.url, "SELECT count(*) FROM kept") == 1
    assert scalar(private_postgres.url, "SHOW fsync") == "on"
    assert scalar(private_postgres.url, "SHOW listen_addresses") == ""


def test_a_pid_file_that_names_another_program_does_not_stop_the_start(private_postgres):
    private_postgres.stop()
    (private_postgres.data / "postmaster.pid").write_text(
        f"{os.getpid()}\n{private_postgres.data}\n1\n5432\n{private_postgres.run}\n\n"
    )

    private_postgres.start()

    assert scalar(private_postgres.url, "SELECT 1") == 1


def test_a_server_left_by_a_killed_run_is_ended_before_the_next_starts(private_postgres, tmp_path):
    pid = private_postgres.pid
    second = Postgres(private_postgres.directory).start()
    try:
        assert second.pid != pid
        assert private_postgres.running is False
        assert scalar(second.url, "SELECT 1") == 1
    finally:
        second.stop()


def test_a_leftover_that_ends_before_its_turn_keeps_nobody_from_starting(private_postgres, monkeypatch):
    gone = psutil.Popen(["true"])
    gone.wait()
    real = postgres.processes_in
    looks = iter([[gone]])
    monkeypatch.setattr(postgres, "processes_in", lambda *given: next(looks, []) + real(*given))
    second = Postgres(private_postgres.directory).start()
    try:
        assert scalar(second.url, "SELECT 1") == 1
    finally:
        second.stop()


def test_a_cluster_whose_making_was_interrupted_is_made_anew(tmp_path):
    (tmp_path / "pg" / "postgres.new").mkdir(parents=True)
    (tmp_path / "pg" / "postgres.new" / "half").write_text("x")
    server = Postgres(tmp_path / "pg").start()
    try:
        assert scalar(server.url, "SELECT current_database()") == "clinic"
    finally:
        server.stop()


def test_a_path_too_long_for_a_socket_has_its_sockets_elsewhere(tmp_path):
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    assert not str(socket_directory(deep)).startswith(str(tmp_path))
    server = Postgres(deep).start()
    try:
        assert scalar(server.url, "SELECT 1") == 1
    finally:
        server.stop()


def test_valkey_starts_empty_after_a_kill(private_valkey):
    with private_valkey.client() as client:
        client.set("key", "value")
    private_valkey.kill()
    with private_valkey.client() as client, pytest.raises(redis.ConnectionError):
        client.ping()

    private_valkey.start()

    with private_valkey.client() as client:
        assert client.dbsize() == 0


def test_the_last_user_stops_the_servers_and_not_the_first(tmp_path):
    directory = tmp_path / "shared"
    first, second = run(directory, "sys.stdin.read()"), None
    await_up(first)
    second = run(directory, "sys.stdin.read(); print(psycopg.connect(url).execute('select 1').fetchone()[0])")
    await_up(second)

    first.communicate()
    output, _ = second.communicate()

    assert (first.returncode, second.returncode, output) == (0, 0, "1\n")
    assert servers_of(directory) == []
    assert processes_in(directory / "postgres", "postgres") == []


def test_ten_commands_at_once_share_one_server(tmp_path):
    directory = tmp_path / "shared"
    commands = [run(directory, "print(psycopg.connect(url).execute('select 1').fetchone()[0])") for _ in range(10)]

    assert [command.communicate()[0] for command in commands] == ["up\n1\n"] * 10
    assert servers_of(directory) == []


def test_servers_stop_when_their_only_user_is_killed(tmp_path):
    directory = tmp_path / "shared"
    user = run(directory, "sys.stdin.read()")
    await_up(user)
    assert len(servers_of(directory)) > 0

    user.kill()
    user.communicate()

    assert wait_until(lambda: servers_of(directory) == [], 60)


def test_a_killed_server_is_started_again_while_somebody_uses_it(tmp_path):
    directory = tmp_path / "shared"
    user = run(directory, "sys.stdin.read()")
    await_up(user)
    pid = int((directory / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)

    def answers() -> bool:
        try:
            return scalar(Postgres(directory).url, "SELECT 1") == 1
        except psycopg.OperationalError:
            return False

    time.sleep(0.2)
    assert wait_until(answers, 60)
    user.communicate()
    assert servers_of(directory) == []


def test_the_next_start_recovers_after_everything_was_killed(tmp_path):
    directory = tmp_path / "shared"
    user = run(
        directory,
        "psycopg.connect(url, autocommit=True).execute('create table kept (id int)')\n"
        "print('made', flush=True); sys.stdin.read()",
    )
    await_up(user)
    assert user.stdout is not None
    assert user.stdout.readline() == "made\n"
    keeper = int((directory / "keeper.pid").read_text())
    os.kill(keeper, signal.SIGKILL)
    assert wait_until(lambda: not processes_in(directory / "postgres", "postgres"), 60)  # they die with their parent
    user.kill()
    user.communicate()

    again = run(directory, "print(psycopg.connect(url).execute('select count(*) from kept').fetchone()[0])")

    assert again.communicate()[0] == "up\n0\n"
    assert servers_of(directory) == []


def test_servers_that_cannot_start_say_why(tmp_path):
    directory = tmp_path / "shared"
    (directory / "postgres").mkdir(parents=True)
    (directory / "postgres" / "PG_VERSION").write_text("17\n")

    user = subprocess.run(
        [
            sys.executable,
            "-c",
            f"from pathlib import Path; from clinic.embedded import ensure; ensure(Path({str(directory)!r}))",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert user.returncode == 1
    assert "PostgreSQL does not start in" in user.stderr
    assert servers_of(directory) == []


def test_a_valkey_of_ones_own_has_numbered_databases(tmp_path):
    server = Valkey(tmp_path / "vk").start()
    try:
        with server.client(0) as first, server.client(255) as last:
            first.set("key", "value")
            assert last.get("key") is None
    finally:
        server.stop()
