#include "policy/policy.h"

namespace pratique::policy {

// Byte for byte docs/formats/policy.schema.json (a test compares): published there, known to the program here.
std::string_view Policy::json_schema() {
  static constexpr std::string_view kSchema = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "https://pratique.invalid/schemas/policy.schema.json",
  "title": "pratique policy",
  "description": "What a gate does with what a scan found. See docs/formats/policy.md.",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "extends": {
      "anyOf": [
        {
          "enum": [
            "gen3",
            "tre"
          ]
        },
        {
          "type": "string",
          "pattern": "\\.ya?ml$"
        }
      ],
      "default": "gen3",
      "description": "A profile, or another policy file, whose values hold where this file says nothing."
    },
    "name": {
      "type": "string",
      "minLength": 1,
      "maxLength": 64,
      "description": "Named in every decision."
    },
    "when_clean": {
      "enum": [
        "approve",
        "review"
      ],
      "description": "What happens to an image against which nothing speaks."
    },
    "reject_at": {
      "enum": [
        "negligible",
        "low",
        "medium",
        "high",
        "critical"
      ],
      "description": "A vulnerability of this severity or worse rejects."
    },
    "review_at": {
      "enum": [
        "negligible",
        "low",
        "medium",
        "high",
        "critical",
        "none"
      ],
      "description": "A vulnerability of this severity or worse asks a reviewer."
    },
    "on_unknown_severity": {
      "enum": [
        "approve",
        "review",
        "reject"
      ],
      "description": "A vulnerability nobody has rated."
    },
    "only_fixable": {
      "type": "boolean",
      "description": "Vulnerabilities without a fix do not count against reject_at."
    },
    "on_known_exploited": {
      "enum": [
        "approve",
        "review",
        "reject"
      ],
      "description": "A vulnerability that is known to be used in attacks."
    },
    "database_age_max_days": {
      "oneOf": [
        {
          "type": "integer",
          "minimum": 1,
          "maximum": 3650
        },
        {
          "const": "none"
        }
      ],
      "description": "Advisory data older than this is stale."
    },
    "on_stale_database": {
      "enum": [
        "review",
        "reject"
      ],
      "description": "Stale or missing advisory data; never clean."
    },
    "on_unjudged": {
      "enum": [
        "review",
        "reject"
      ],
      "description": "Something in the image could not be judged; never clean."
    },
    "on_base_unproven": {
      "enum": [
        "approve",
        "review",
        "reject"
      ],
      "description": "Built on none of the registered base images. Holds as soon as one is registered."
    },
    "on_base_outdated": {
      "enum": [
        "approve",
        "review",
        "reject"
      ],
      "description": "Built on a generation of a base image that is no longer kept."
    },
    "checks": {
      "type": [
        "object",
        "null"
      ],
      "propertyNames": {
        "enum": [
          "D2",
          "D4",
          "D5",
          "D7",
          "D8",
          "T1",
          "T2",
          "T4",
          "T5",
          "T6",
          "T7",
          "T8",
          "T10",
          "T11",
          "B3",
          "DS-0031"
        ]
      },
      "additionalProperties": {
        "enum": [
          "approve",
          "review",
          "reject"
        ]
      },
      "description": "What a failed check of the built image asks for; those not named advise."
    },
    "approval_lifetime_days": {
      "type": "integer",
      "minimum": 1,
      "maximum": 365,
      "description": "How long an approval lasts."
    },
    "waivers": {
      "type": [
        "array",
        "null"
      ],
      "maxItems": 10000,
      "items": {
        "type": "object",
        "additionalProperties": false,
        "required": [
          "id",
          "finding",
          "owner",
          "reason",
          "expires"
        ],
        "properties": {
          "id": {
            "type": "string",
            "minLength": 1,
            "maxLength": 64,
            "description": "Unique in the file."
          },
          "finding": {
            "type": "string",
            "minLength": 1,
            "maxLength": 128,
            "not": {
              "const": "*"
            },
            "description": "The vulnerability's name or alias."
          },
          "package": {
            "type": "string",
            "maxLength": 255,
            "description": "Only in this package."
          },
          "image": {
            "type": "string",
            "maxLength": 512,
            "description": "Only in this repository, repository:tag or manifest digest."
          },
          "owner": {
            "type": "string",
            "minLength": 1,
            "maxLength": 128,
            "description": "Who answers for it."
          },
          "reason": {
            "type": "string",
            "minLength": 1,
            "maxLength": 2000,
            "description": "Why it is acceptable."
          },
          "expires": {
            "type": "string",
            "description": "A date or RFC 3339 time from which on it no longer counts."
          }
        }
      }
    },
    "projects": {
      "type": [
        "object",
        "null"
      ],
      "maxProperties": 1000,
      "additionalProperties": {
        "type": "object",
        "additionalProperties": false,
        "properties": {
          "name": {
            "$ref": "#/properties/name"
          },
          "when_clean": {
            "$ref": "#/properties/when_clean"
          },
          "reject_at": {
            "$ref": "#/properties/reject_at"
          },
          "review_at": {
            "$ref": "#/properties/review_at"
          },
          "on_unknown_severity": {
            "$ref": "#/properties/on_unknown_severity"
          },
          "only_fixable": {
            "$ref": "#/properties/only_fixable"
          },
          "on_known_exploited": {
            "$ref": "#/properties/on_known_exploited"
          },
          "database_age_max_days": {
            "$ref": "#/properties/database_age_max_days"
          },
          "on_stale_database": {
            "$ref": "#/properties/on_stale_database"
          },
          "on_unjudged": {
            "$ref": "#/properties/on_unjudged"
          },
          "on_base_unproven": {
            "$ref": "#/properties/on_base_unproven"
          },
          "on_base_outdated": {
            "$ref": "#/properties/on_base_outdated"
          },
          "checks": {
            "$ref": "#/properties/checks"
          },
          "approval_lifetime_days": {
            "$ref": "#/properties/approval_lifetime_days"
          },
          "waivers": {
            "$ref": "#/properties/waivers"
          }
        }
      },
      "description": "What is different for a repository and those below it, by name, with or without the namespace."
    }
  }
}
)json";
  return kSchema;
}

}  // namespace pratique::policy
