from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        """Listen to what the libraries of signing in tell."""
        from allauth.account import signals as account
        from allauth.mfa import signals as factor
        from axes.signals import user_locked_out

        from accounts import lockout, sessions

        user_logged_in.connect(sessions.begin)
        account.user_logged_in.connect(lockout.record_sign_in)
        account.password_changed.connect(lockout.record_password)
        account.password_reset.connect(lockout.record_password)
        account.password_changed.connect(sessions.end_others)
        account.password_reset.connect(sessions.end_others)
        user_locked_out.connect(lockout.record_lockout)
        factor.authentication_failed.connect(lockout.count_wrong_code)
        factor.authenticator_added.connect(lockout.record_factor_added)
        factor.authenticator_added.connect(sessions.end_others)
        factor.authenticator_removed.connect(lockout.record_factor_removed)
        factor.authenticator_reset.connect(lockout.record_factor_reset)
