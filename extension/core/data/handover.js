// Generated from host/poterne/knowledge/handover.toml by `make types`.

export const handover = {
  "formats": [
    "mobileconfig",
    "autoconfig",
    "text",
    "json"
  ],
  "apple": [
    "password",
    "ntlm"
  ],
  "mozilla": [
    "password",
    "oauth2",
    "kerberos",
    "ntlm",
    "certificate"
  ]
};
