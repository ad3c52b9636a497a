// Freezing all the way down: a config that changes while a plan is made would be two configs.

/** Freezes plain objects, arrays and maps in place and returns the same value. */
export function deepFreeze<T>(value: T): T {
  if (value === null || typeof value !== 'object' || Object.isFrozen(value)) return value;
  if (value instanceof Map) {
    // Object.freeze leaves a Map's entries open.
    for (const method of ['set', 'delete', 'clear'])
      Object.defineProperty(value, method, { value: refuse, enumerable: false });
    for (const [key, one] of value) {
      deepFreeze(key);
      deepFreeze(one);
    }
  }
  Object.freeze(value);
  for (const one of Object.values(value)) deepFreeze(one);
  return value;
}

function refuse(): never {
  throw new TypeError('the configuration is frozen');
}
