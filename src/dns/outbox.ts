// Datagrams of one turn of the event loop leave together: each that leaves alone wakes a server that has nothing else to
// do, which costs us as much as the rest of the question.

export class Outbox {
  #waiting: (() => void)[] = [];

  add(send: () => void): void {
    if (this.#waiting.length === 0) setImmediate(() => this.#flush());
    this.#waiting.push(send);
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const send of waiting) send();
  }
}
