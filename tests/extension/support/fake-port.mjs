/** A native port whose other end is the test. */
export class FakePort {
  sent = [];
  closed = false;
  error = null;
  #message = () => {};
  #disconnect = () => {};
  onMessage = { addListener: (listener) => (this.#message = listener) };
  onDisconnect = { addListener: (listener) => (this.#disconnect = listener) };

  postMessage(message) {
    if (this.closed) throw new Error("Attempt to postMessage on disconnected port");
    this.sent.push(message);
  }

  disconnect() {
    this.closed = true;
  }

  say(message) {
    this.#message(message);
  }

  hello(protocol = 1) {
    this.say({ type: "hello", protocol, version: "0.1.0" });
  }

  die(text = null) {
    this.closed = true;
    this.error = text === null ? null : { message: text };
    this.#disconnect();
  }
}
