from django.urls import path

from payments import views

app_name = "payments"

urlpatterns = [
    path("courses/<slug:slug>/price/", views.price, name="price"),
    path("checkout/<slug:slug>/", views.checkout, name="checkout"),
    path("orders/", views.orders, name="orders"),
    path("orders/<str:number>/", views.order, name="order"),
    path("orders/<str:number>/return/", views.payment_return, name="return"),
    path("orders/<str:number>/pay/", views.pay, name="pay"),
    path("orders/<str:number>/cancel/", views.cancel, name="cancel"),
    path("orders/<str:number>/address/", views.address, name="address"),
    path("orders/<str:number>/receipt.pdf", views.receipt, name="receipt"),
    path("redeem/", views.redeem, name="redeem"),
    path("payments/stripe/webhook/", views.webhook, name="webhook"),
]
