"""Vestibule on the wire: the Flask application, the command line."""

import os
import time

from flask import Blueprint, Flask, Response, g, request

from app import auth, errors, log
from app.bulk import bulk
from app.discovery import discovery
from app.environ import NormalForm
from app.fast_path import FastPath
from app.groups import groups
from app.me import me
from app.search import search
from app.settings import Settings
from app.users import users
from app.wire import Paging
from store.database.transactions import Database
from store.settings import secret_key

BLUEPRINTS = [search, users, groups, bulk, discovery, me]
"""Everything below an Endpoint URL."""


def create_app(settings: Settings | None = None, database: Database | None = None) -> Flask:
    """The WSGI application. Without settings they are read from the environment; without a database it is opened.

    The thread that calls holds no connection afterwards: a server may fork workers from here, which must not share one.
    """
    settings = settings or Settings.from_environment(os.environ)
    app = _configured(settings)
    log.configure(settings)
    database = database or open_database(settings)
    database.check_migrated()
    # Not Flask's SECRET_KEY: with that, Flask would look for a session in every request.
    signing_key = settings.secret_key or secret_key(database)
    app.config["PAGING"] = Paging(settings.default_count, settings.max_count, signing_key.encode())
    app.before_request(_begin)
    auth.init(app, auth.Gate(database, settings))
    app.after_request(_end)
    errors.init(app)
    scim = _below_endpoint_url()
    app.register_blueprint(scim)
    # A URL without a version gets the newest, which is the only one (RFC 7644 §3.13).
    app.register_blueprint(scim, name="unversioned", url_prefix="/scim/<tenant>")
    app.wsgi_app = NormalForm(FastPath(app.wsgi_app, auth.gate(app), app.config))  # type: ignore[method-assign]
    database.close()
    return app


def _configured(settings: Settings) -> Flask:
    app = Flask("vestibule", static_folder=None)
    app.config.update(
        MAX_CONTENT_LENGTH=settings.max_body,
        BULK_MAX_OPERATIONS=settings.bulk_max_operations,
        # Flask answers OPTIONS with an empty page of HTML; app/errors.py does it instead.
        PROVIDE_AUTOMATIC_OPTIONS=False,
    )
    app.url_map.merge_slashes = False
    app.url_map.redirect_defaults = False
    return app


def open_database(settings: Settings) -> Database:
    """The database that the settings name."""
    return Database(
        settings.database_url,
        busy_timeout=settings.busy_timeout,
        statement_timeout=settings.statement_timeout,
        prepared_statements=settings.prepared_statements,
        deadline=settings.search_deadline,
    )


def _below_endpoint_url() -> Blueprint:
    scim = Blueprint("scim", __name__, url_prefix="/scim/<tenant>/v2")
    for blueprint in BLUEPRINTS:
        scim.register_blueprint(blueprint)
    # Authentication found the tenant before routing, so views do not receive it as an argument.
    scim.url_value_preprocessor(lambda endpoint, values: (values or {}).pop("tenant", None))
    return scim


def _begin() -> None:
    failure = request.environ.get(auth.HANDED_OVER)
    g.began = time.perf_counter() if failure is None else failure.began
    g.request_id = log.number()


def _end(response: Response) -> Response:
    log.request_line(
        id=g.request_id,
        tenant=g.access.tenant.name if "access" in g else None,
        method=request.method,
        route=request.url_rule.rule if request.url_rule else None,
        status=response.status_code,
        seconds=time.perf_counter() - g.began,
        scim_type=g.get("scim_type"),
    )
    return response
