"""`customerReviews` of the App Store Connect API v1: JSON:API, the newest first, `links.next`, tokens signed with ES256.

The secret is a key of its own making.
"""

from collections.abc import Mapping
from datetime import timedelta
from time import time

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from wire import Asked, Reply

from worlds import SECRET_VARIABLE, Interface, Lack, Said, iso

APP, KEY_ID, ISSUER_ID = "1234567890", "ABC123DEFG", "00000000-1111-2222-3333-444444444444"
PAGE = 7  # of the real interface: as many as `limit` says, 200 at most
TWENTY_MINUTES = 20 * 60


class World(Interface):
    collector = "app-store-connect"
    edits = True  # of the last 30 days
    without: Mapping[Lack, str] = {"replies": "who has something to add edits the review"}
    seen_back = timedelta(days=30)

    def __init__(self) -> None:
        super().__init__()
        self.url = ""
        self.replies: dict[int, str] = {2: "感谢反馈，已经在处理"}
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.secret = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def section(self, url: str) -> Mapping[str, object]:
        self.url = url
        return {
            "url": url,
            "app": APP,
            "key_id": KEY_ID,
            "issuer_id": ISSUER_ID,
            "key": {"env": SECRET_VARIABLE},
        }

    def answer(self, asked: Asked) -> Reply:
        if not self._is_let_in(asked.headers.get("Authorization", "")):
            return Reply(_error("401", "NOT_AUTHORIZED"), 401)
        query = asked.query
        if asked.path != f"/v1/apps/{APP}/customerReviews":
            return Reply(_error("404", "NOT_FOUND"), 404)
        if query.get("sort") != "-createdDate" or query.get("include") != "response" or query.get("limit") != "200":
            return Reply(_error("400", "PARAMETER_ERROR.INVALID"), 400)
        # The cursor holds on to a place in the list, not to a number: what comes anew moves nothing.
        rows = self.arranged(sorted(self.said, key=lambda one: (one.posted_at, one.number), reverse=True))
        start = 0
        if cursor := query.get("cursor"):
            ids = [_id(one) for one in rows]
            if cursor not in ids or not self.knows(cursor):
                return Reply(_error("400", "PARAMETER_ERROR.INVALID"), 400)
            start = ids.index(cursor) + 1
        after = self.cursor(_id(rows[start + PAGE - 1])) if len(rows) > start + PAGE else None
        return Reply(self.listing(self.page(rows, start, PAGE), after))

    def listing(self, rows: list[Said], after: str | None) -> dict[str, object]:
        here = f"{self.url}/v1/apps/{APP}/customerReviews"
        more = {"next": f"{here}?cursor={after}&limit=200&sort=-createdDate&include=response"} if after else {}
        return {
            "data": [self.review(one) for one in rows],
            "included": [response(one, self.replies[one.number]) for one in rows if one.number in self.replies],
            "links": {"self": f"{here}?limit=200&sort=-createdDate&include=response", **more},
            "meta": {"paging": {"total": len(self.said), "limit": 200}},
        }

    def review(self, one: Said) -> dict[str, object]:
        answered = {"type": "customerReviewResponses", "id": f"r{one.number}"} if one.number in self.replies else None
        links = {"related": f"{self.url}/v1/customerReviews/{_id(one)}/response"}
        return {
            "type": "customerReviews",
            "id": _id(one),
            "attributes": {
                "rating": one.number % 5 + 1,
                "title": f"标题{one.number}",
                "body": one.text,
                "reviewerNickname": f"用户{one.number}",
                "createdDate": iso(one.posted_at).replace("Z", "-00:00"),
                "territory": "CHN",
            },
            "relationships": {"response": {"data": answered, "links": links}},
            "links": {"self": f"{self.url}/v1/customerReviews/{_id(one)}"},
        }

    def stored(self) -> dict[str, str]:
        return {_id(one): one.text for one in self.said}

    def saved(self) -> bytes:
        return Reply(self.listing(self.said, None)).body()

    def _is_let_in(self, header: str) -> bool:
        kind, _, token = header.partition(" ")
        try:
            says = jwt.decode(token, self.key.public_key(), algorithms=["ES256"], audience="appstoreconnect-v1")
            named = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            return False
        good_for = says["exp"] - time()
        return (
            kind == "Bearer"
            and (named["kid"], named["typ"], says["iss"]) == (KEY_ID, "JWT", ISSUER_ID)
            and 0 < good_for <= TWENTY_MINUTES
        )


def response(one: Said, text: str) -> dict[str, object]:
    return {
        "type": "customerReviewResponses",
        "id": f"r{one.number}",
        "attributes": {
            "responseBody": text,
            "lastModifiedDate": iso(one.posted_at).replace("Z", "-00:00"),
            "state": "PUBLISHED",
        },
    }


def _id(one: Said) -> str:
    return f"00000028-b08c-0014-729e-{one.number:012x}"


def _error(status: str, code: str) -> dict[str, object]:
    return {"errors": [{"status": status, "code": code, "title": "no", "detail": "no"}]}
