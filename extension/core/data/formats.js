// Generated from host/poterne/knowledge/formats.toml by `make types`.

export const formats = {
  "format": {
    "mobileconfig": {
      "both": true,
      "domain": false,
      "auth": [
        "password",
        "ntlm"
      ]
    },
    "autoconfig": {
      "both": true,
      "domain": true,
      "auth": null
    },
    "text": {
      "both": false,
      "domain": false,
      "auth": null
    },
    "json": {
      "both": false,
      "domain": false,
      "auth": null
    }
  },
  "signIns": [
    "password",
    "oauth2",
    "kerberos",
    "ntlm",
    "certificate"
  ]
};
