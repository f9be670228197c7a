"""How gunicorn serves the site: ``gunicorn -c python:clinic.gunicorn_conf clinic.wsgi``; the demo, compose and the bench use it.

On the embedded default there is one worker process, which also runs the tasks: a second one would have a queue and
a cache of its own. On PostgreSQL and Redis there are as many as WEB_WORKERS says.
"""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")

from django.conf import settings

bind = os.environ.get("BIND", f"127.0.0.1:{settings.PORT}")
worker_class = "gthread"
workers = 1 if settings.EMBEDDED else int(os.environ.get("WEB_WORKERS", "2"))
threads = 8 if settings.EMBEDDED else int(os.environ.get("WEB_THREADS", "4"))
timeout = 60
graceful_timeout = 20
keepalive = 75  # longer than the proxy keeps an idle connection, so that it is never the one who is surprised
# Django alone decides whose word on scheme and address is taken (BEHIND_PROXY).
forwarded_allow_ips = ""
no_control_socket = True
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None
loglevel = os.environ.get("LOG_LEVEL", "warning" if settings.EMBEDDED else "info").lower()

_embedded = None


def post_worker_init(worker) -> None:
    global _embedded
    from django.core.management import call_command

    call_command("check")  # a site that is set up wrongly does not start
    if settings.EMBEDDED:
        from clinic.celery import app
        from clinic.embedded import EmbeddedCelery

        _embedded = EmbeddedCelery(app)
        _embedded.start()


def worker_exit(server, worker) -> None:
    if _embedded is not None:
        _embedded.stop()
