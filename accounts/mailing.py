"""What a mail server or provider may answer instead of taking a message."""

import smtplib

from anymail.exceptions import AnymailError

MAIL_FAILED = (OSError, smtplib.SMTPException, AnymailError)
