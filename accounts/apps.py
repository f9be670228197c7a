from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from allauth.account.signals import email_confirmed

        from accounts.signing_up import address_was_proved

        email_confirmed.connect(address_was_proved)
