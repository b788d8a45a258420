// Generated from host/poterne/report/locales.py by `make types`.

export const languages = [
  "en",
  "fr",
  "de",
  "es",
  "it"
];
