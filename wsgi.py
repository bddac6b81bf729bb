"""What a WSGI server imports: `gunicorn --worker-class gthread --threads 4 wsgi:application`."""

from app import create_app

application = create_app()
