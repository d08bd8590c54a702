"""REST of what administrators define: topics, custom fields, segments, relationship types; topics of conversations."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from gateway.rest_call import Call, Endpoint, Listing, NoQuery
from gateway.rest_write import Write
from model.customer import ConversationTopic, Topic
from model.refusal import Refused
from profiles import fields, relationship_types, segments, topics
from profiles.values import FieldDefinition


class ConversationTopics(Struct, frozen=True, forbid_unknown_fields=True):
    """What a conversation is about: these topics and no others."""

    topics: tuple[UUID, ...]


async def list_topics(call: Call[NoQuery]) -> Listing[Topic]:
    """The tree, each topic after the one above it, archived ones too."""
    return Listing(await topics.fetch_topics(call.connection), None)


async def define_topic(call: Write[topics.NewTopic]) -> Topic | Refused:
    """Define a topic."""
    return await topics.define_topic(call.tx, call.actor, call.body)


async def change_topic(call: Write[topics.TopicChange]) -> Topic | Refused:
    """Rename, move or archive a topic; screens show it when they read a profile next."""
    return await topics.change_topic(call.tx, call.actor, call.id, call.body)


async def archive_topic(call: Write[None]) -> Refused | None:
    """Offer a topic and those below it no more."""
    return await topics.archive_topic(call.tx, call.actor, call.id)


async def set_topics(call: Write[ConversationTopics]) -> Listing[ConversationTopic] | Refused:
    """Say what a conversation is about."""
    done = await topics.set_topics(call.tx, call.actor, call.id, call.body.topics)
    return done if isinstance(done, Refused) else Listing(done, None)


async def list_fields(call: Call[NoQuery]) -> Listing[FieldDefinition]:
    """Custom fields in the order in which a profile shows them, archived ones too."""
    return Listing(tuple((await fields.fetch_definitions(call.connection)).values()), None)


async def define_field(call: Write[fields.NewField]) -> FieldDefinition | Refused:
    """Define a custom field."""
    return await fields.define_field(call.tx, call.actor, call.body)


async def change_field(call: Write[fields.FieldChange]) -> FieldDefinition | Refused:
    """Change a custom field; screens show it when they read a profile next."""
    return await fields.change_field(call.tx, call.actor, call.path["key"], call.body)


async def archive_field(call: Write[None]) -> Refused | None:
    """Show a custom field no more; its values stay."""
    return await fields.archive_field(call.tx, call.actor, call.path["key"])


async def list_relationship_types(call: Call[NoQuery]) -> Listing[relationship_types.RelationshipType]:
    """Relationship types by label, archived ones too."""
    return Listing(await relationship_types.fetch_types(call.connection), None)


async def define_relationship_type(
    call: Write[relationship_types.NewRelationshipType],
) -> relationship_types.RelationshipType | Refused:
    """Define a relationship type."""
    return await relationship_types.define_type(call.tx, call.actor, call.body)


async def change_relationship_type(
    call: Write[relationship_types.RelationshipTypeChange],
) -> relationship_types.RelationshipType | Refused:
    """Change how a relationship type reads; screens show it when they read a profile next."""
    return await relationship_types.change_type(call.tx, call.actor, call.path["key"], call.body)


async def archive_relationship_type(call: Write[None]) -> Refused | None:
    """Offer a relationship type no more; the relationships of it stay."""
    return await relationship_types.archive_type(call.tx, call.actor, call.path["key"])


async def list_segments(call: Call[NoQuery]) -> Listing[segments.Segment]:
    """Segments by name."""
    return Listing(await segments.fetch_segments(call.connection), None)


async def define_segment(call: Write[segments.NewSegment]) -> segments.Segment | Refused:
    """Define a segment: a name for a condition over the profile."""
    return await segments.define_segment(call.tx, call.actor, call.body)


async def change_segment(call: Write[segments.SegmentChange]) -> segments.Segment | Refused:
    """Change a segment; screens show it when they read a profile next."""
    return await segments.change_segment(call.tx, call.actor, call.path["key"], call.body)


async def remove_segment(call: Write[None]) -> Refused | None:
    """Remove a segment."""
    return await segments.remove_segment(call.tx, call.actor, call.path["key"])


_READ, _EDIT = "definitions.read", "definitions.edit"
_TOPIC, _FIELD, _SEGMENT = "/v1/topics/{id}", "/v1/fields/{key}", "/v1/segments/{key}"
_TYPES, _TYPE = "/v1/relationship-types", "/v1/relationship-types/{key}"
_Type = relationship_types.RelationshipType
_TALK = "/v1/conversations/{id}/topics"

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "/v1/topics", _READ, list_topics, NoQuery, Listing[Topic]),
    Endpoint("POST", "/v1/topics", _EDIT, define_topic, NoQuery, Topic, topics.NewTopic, 201),
    Endpoint("PATCH", _TOPIC, _EDIT, change_topic, NoQuery, Topic, topics.TopicChange),
    Endpoint("DELETE", _TOPIC, _EDIT, archive_topic, NoQuery, None, status=204),
    Endpoint("PUT", _TALK, "topics.set", set_topics, NoQuery, Listing[ConversationTopic], ConversationTopics),
    Endpoint("GET", "/v1/fields", _READ, list_fields, NoQuery, Listing[FieldDefinition]),
    Endpoint("POST", "/v1/fields", _EDIT, define_field, NoQuery, FieldDefinition, fields.NewField, 201),
    Endpoint("PATCH", _FIELD, _EDIT, change_field, NoQuery, FieldDefinition, fields.FieldChange),
    Endpoint("DELETE", _FIELD, _EDIT, archive_field, NoQuery, None, status=204),
    Endpoint("GET", _TYPES, _READ, list_relationship_types, NoQuery, Listing[_Type]),
    Endpoint(
        "POST", _TYPES, _EDIT, define_relationship_type, NoQuery, _Type, relationship_types.NewRelationshipType, 201
    ),
    Endpoint(
        "PATCH", _TYPE, _EDIT, change_relationship_type, NoQuery, _Type, relationship_types.RelationshipTypeChange
    ),
    Endpoint("DELETE", _TYPE, _EDIT, archive_relationship_type, NoQuery, None, status=204),
    Endpoint("GET", "/v1/segments", _READ, list_segments, NoQuery, Listing[segments.Segment]),
    Endpoint("POST", "/v1/segments", _EDIT, define_segment, NoQuery, segments.Segment, segments.NewSegment, 201),
    Endpoint("PATCH", _SEGMENT, _EDIT, change_segment, NoQuery, segments.Segment, segments.SegmentChange),
    Endpoint("DELETE", _SEGMENT, _EDIT, remove_segment, NoQuery, None, status=204),
)
