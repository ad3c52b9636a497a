// A secret that cannot be printed by accident. Only `reveal` gives the text, and only adapters call it.

const redacted = '[redacted]';

export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return redacted;
  }

  toJSON(): string {
    return redacted;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return redacted;
  }
}

/** Where a secret is kept; never the secret. `credential` is systemd's LoadCredential; `command` an argv. */
export type SecretSource =
  | { readonly file: string }
  | { readonly env: string }
  | { readonly credential: string }
  | { readonly command: readonly string[] };
