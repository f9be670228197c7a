from django.urls import path

from clinic import privacy

urlpatterns = [
    path("privacy/", privacy.privacy, name="privacy"),
    path("privacy/download/", privacy.download, name="download_data"),
    path("privacy/delete/", privacy.delete_account, name="delete_account"),
]
