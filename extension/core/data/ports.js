// Generated from host/poterne/knowledge/ports.toml by `make types`.

export const ports = {
  "port": [
    {
      "number": 465,
      "service": "submissions",
      "dialogue": "smtp",
      "begins": "tls",
      "direction": "outgoing",
      "rank": 1,
      "usual": true,
      "schemes": [
        "smtps",
        "submissions"
      ]
    },
    {
      "number": 587,
      "service": "submission",
      "dialogue": "smtp",
      "begins": "starttls",
      "direction": "outgoing",
      "rank": 2,
      "usual": true,
      "schemes": [
        "submission"
      ]
    },
    {
      "number": 2525,
      "service": "submission",
      "dialogue": "smtp",
      "begins": "starttls",
      "direction": "outgoing",
      "rank": 3,
      "usual": true,
      "optional": true
    },
    {
      "number": 25,
      "service": "smtp",
      "dialogue": "smtp",
      "begins": "starttls",
      "direction": "outgoing",
      "rank": 4,
      "usual": true,
      "schemes": [
        "smtp"
      ]
    },
    {
      "number": 993,
      "service": "imaps",
      "dialogue": "imap",
      "begins": "tls",
      "direction": "incoming",
      "rank": 1,
      "usual": true,
      "schemes": [
        "imaps"
      ]
    },
    {
      "number": 143,
      "service": "imap",
      "dialogue": "imap",
      "begins": "starttls",
      "direction": "incoming",
      "rank": 2,
      "usual": true,
      "schemes": [
        "imap"
      ]
    },
    {
      "number": 995,
      "service": "pop3s",
      "dialogue": "pop3",
      "begins": "tls",
      "direction": "incoming",
      "rank": 3,
      "usual": true,
      "schemes": [
        "pop3s"
      ]
    },
    {
      "number": 110,
      "service": "pop3",
      "dialogue": "pop3",
      "begins": "starttls",
      "direction": "incoming",
      "rank": 4,
      "usual": true,
      "schemes": [
        "pop3"
      ]
    },
    {
      "number": 4190,
      "service": "sieve",
      "dialogue": "sieve",
      "begins": "starttls",
      "direction": "filters",
      "rank": 1,
      "usual": true,
      "optional": true
    },
    {
      "number": 443,
      "service": "https",
      "dialogue": "http",
      "begins": "tls",
      "direction": "other",
      "rank": 1
    },
    {
      "number": 80,
      "service": "http",
      "dialogue": "http",
      "begins": "none",
      "direction": "other",
      "rank": 2
    },
    {
      "number": 21,
      "service": "ftp",
      "dialogue": "ftp",
      "begins": "starttls",
      "direction": "other",
      "rank": 3
    }
  ],
  "unspoken": [
    9100,
    9101,
    9102,
    9103,
    9104,
    9105,
    9106,
    9107
  ]
};
