(() => {
  const page = globalThis.poternePage;
  const { short } = page.words;

  const HOST_NAME = /^(?=.{3,253}$)(?:[\p{L}\p{N}_](?:[\p{L}\p{N}_-]{0,62})\.)+[\p{L}\p{N}-]{2,63}\.?$/u;
  const IP = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[?[\da-f]{0,4}(?::[\da-f]{0,4}){2,7}\]?)$/iu;
  const PLACE = /^(?:(?<scheme>[a-z][a-z\d+.-]{1,12}):\/\/)?(?<host>\[[^\]]+\]|[^\s:/@]+)(?::(?<port>\d{1,5}))?\/?$/iu;
  const ADDRESS = /^[^\s@<>"(),:;]{1,64}@(?:[\p{L}\p{N}-]{1,63}\.)+[\p{L}\p{N}-]{2,63}$/u;

  page.addresses = {
    isHostName: (text) => HOST_NAME.test(text),
    isMailAddress: (text) => text.length <= 254 && ADDRESS.test(text),
    parts: (text) => PLACE.exec(text)?.groups ?? {},
    place(text) {
      const groups = PLACE.exec(short(text, 300))?.groups;
      const host = groups?.["host"] ?? "";
      return groups && (HOST_NAME.test(host) || IP.test(host))
        ? { scheme: groups["scheme"] ?? null, host, port: groups["port"] ?? null }
        : null;
    },
  };
})();
