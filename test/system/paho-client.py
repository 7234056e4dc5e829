"""
A client of Eclipse Paho with several addresses, for tests: it dials one after the other until it is let in, again whenever it is cut off, and
first where a server that goes sends it. It says on its standard output what it does and what comes, a line each; `finish` on its standard
input ends it, a publisher once all is acknowledged.

    paho-client.py publish|subscribe 3.1.1|5 CLIENT-ID HOST:PORT...

A publisher sends numbered messages with QoS 1 to orders/CLIENT-ID-1 and with QoS 2 to orders/CLIENT-ID-2; a subscriber wants orders/#.
"""
import os
import socket
import sys
import threading
import time

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

IN_FLIGHT_MAX = 5
PER_SECOND = 5
PAUSE_SECONDS = 0.02
KEEP_ALIVE_SECONDS = 10

role, version, name, *addresses = sys.argv[1:]
is_5 = version == "5"
finishing = threading.Event()
numbers = {1: 0, 2: 0}
in_flight = {1: {}, 2: {}}
reference = None
is_let_in = False
due = 0


def say(*words):
    print(*words, flush=True)


def on_connect(client, _userdata, flags, reason, _properties=None):
    global is_let_in
    if getattr(reason, "value", reason) != 0:
        return
    is_let_in = True
    present = flags["session present"]
    say("connected", address, present)
    # A session that is there has its subscriptions.
    if role == "subscribe" and not present:
        client.subscribe("orders/#", qos=2)


def on_disconnect(_client, _userdata, reason, properties=None):
    global is_let_in, reference
    is_let_in = False
    reference = getattr(properties, "ServerReference", None)
    say("disconnected", getattr(reason, "value", reason), reference or "-")


def on_publish(_client, _userdata, mid):
    for qos in (1, 2):
        number = in_flight[qos].pop(mid, None)
        if number is not None:
            say("acked", f"{name}-{qos}:{number}")


def publish(client):
    global due
    if time.monotonic() < due:
        return
    due = time.monotonic() + 1 / PER_SECOND
    for qos in (1, 2):
        if finishing.is_set() or len(in_flight[qos]) >= IN_FLIGHT_MAX:
            continue
        numbers[qos] += 1
        payload = f"{name}-{qos}:{numbers[qos]}"
        say("sent", payload)
        message = client.publish(f"orders/{name}-{qos}", payload, qos=qos)
        in_flight[qos][message.mid] = numbers[qos]


def session():
    """How long the session is kept; 3.1.1 has no word for it."""
    if not is_5:
        return {}
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 3600
    return {"clean_start": False, "properties": properties}


def new_client():
    # Paho 2 wants to be told that these are the callbacks of Paho 1, which Debian 12 has.
    callbacks = [mqtt.CallbackAPIVersion.VERSION1] if hasattr(mqtt, "CallbackAPIVersion") else []
    if is_5:
        client = mqtt.Client(*callbacks, client_id=name, protocol=mqtt.MQTTv5)
    else:
        client = mqtt.Client(*callbacks, client_id=name, clean_session=False)
    client.on_connect = on_connect
    client.on_disconnect = on_disconnect
    client.on_publish = on_publish
    client.on_message = lambda _client, _userdata, message: say("got", message.payload.decode())
    client.on_subscribe = lambda *_: say("subscribed")
    return client


def is_over():
    return finishing.is_set() and not in_flight[1] and not in_flight[2]


def serve(client):
    """Until the connection is lost, or all is done."""
    while client.loop(PAUSE_SECONDS) == mqtt.MQTT_ERR_SUCCESS:
        if is_let_in and is_over():
            client.disconnect()
            return
        # Not in a callback: what was not acknowledged on the last connection goes first.
        if is_let_in and role == "publish":
            publish(client)


def read_orders():
    for line in sys.stdin:
        if line.strip() == "finish":
            finishing.set()
    # Whoever started this is gone.
    os._exit(1)


threading.Thread(target=read_orders, daemon=True).start()
client = new_client()
turn = 0
while not is_over():
    address = reference or addresses[turn % len(addresses)]
    reference = None
    turn += 1
    host, port = address.rsplit(":", 1)
    try:
        # Paho 1.6 forgets at each connect that is refused which PUBRELs it has sent, and sends those messages anew: it is asked for the port before.
        socket.create_connection((host, int(port))).close()
        client.connect(host, int(port), KEEP_ALIVE_SECONDS, **session())
    except OSError:
        finishing.wait(PAUSE_SECONDS)
        continue
    serve(client)
say("finished")
