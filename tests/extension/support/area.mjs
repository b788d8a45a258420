/** A storage area that holds `room` characters at most. */
export function area(initial = {}, room = Infinity) {
  const data = { ...initial };
  return {
    data,
    get: async (keys) =>
      structuredClone(
        keys === null ? data : Object.fromEntries(Object.entries(data).filter(([key]) => [keys].flat().includes(key))),
      ),
    async set(items) {
      if (JSON.stringify({ ...data, ...items }).length > room) throw new Error("QuotaExceededError");
      Object.assign(data, structuredClone(items));
    },
    async remove(keys) {
      for (const key of [keys].flat()) delete data[key];
    },
  };
}
