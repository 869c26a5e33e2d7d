"""Behind the scenes: the jobs of the bot's database."""

from datetime import UTC, datetime

from handoff_bot.jobs.job import NewJob, enqueue_job
from handoff_bot.storage.database import Database
from handoff_bot.storage.migrate import migrate
from handoff_sandbox.page.jobs import MOST, newest


def test_the_newest_jobs_come_first_and_none_before_there_is_a_database(tmp_path):
    path = tmp_path / "handoff.db"
    assert newest(path) == []
    database = Database(f"sqlite:///{path}")
    migrate(database)
    with database.write() as tx:
        for n in range(MOST + 2):
            enqueue_job(tx, NewJob("mail", f"mail:{n}", {}, due_at=datetime.now(UTC)))
    database.close()
    found = newest(path)
    assert len(found) == MOST
    assert (found[0]["kind"], found[0]["lane"]) == ("mail", f"mail:{MOST + 1}")
    assert (found[0]["status"], found[0]["attempts"], found[0]["error"]) == ("ready", 0, "")
