# One image for web, worker, beat and the sandbox; docker-compose.yml says which command each runs.
FROM python:3.13-slim AS packages
WORKDIR /build
COPY tools/uv.txt requirements.txt ./
RUN pip install --no-cache-dir --root-user-action ignore --no-deps --require-hashes -r uv.txt \
 && uv venv /opt/venv \
 && uv pip sync --no-cache --require-hashes --compile-bytecode --python /opt/venv/bin/python requirements.txt

FROM python:3.13-slim
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    BIND=0.0.0.0:8000 VAR=/srv/var STATIC_ROOT=/srv/static MEDIA_ROOT=/srv/media
RUN useradd --system --uid 10001 --home-dir /srv/var clinic \
 && install -d -o clinic /srv/var /srv/media /srv/static
COPY --from=packages /opt/venv /opt/venv
WORKDIR /srv/clinic
COPY . .
# No secret is in the image: collectstatic only wants some key.
RUN SECRET_KEY=only-while-building python manage.py collectstatic --noinput
USER clinic
EXPOSE 8000
CMD ["gunicorn", "-c", "python:clinic.gunicorn_conf", "clinic.wsgi"]
