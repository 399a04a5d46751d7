"""The peer `flask`: a chat session is a row with a blob of its messages.

Such endpoints are commonly written this way, with Flask, SQLAlchemy and PyMySQL.
An append reads the blob, adds to it, and writes it back, without a lock.
"""

import os
from datetime import datetime

from flask import Flask, jsonify, request
from sqlalchemy import JSON, Boolean, Column, Integer, String, create_engine
from sqlalchemy.dialects.mysql import DATETIME
from sqlalchemy.orm import declarative_base, scoped_session, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"])
db = scoped_session(sessionmaker(bind=engine))
Base = declarative_base()


def iso(time):
    return time and time.isoformat(timespec="milliseconds") + "Z"


class ChatSession(Base):
    __tablename__ = "flask_chat_sessions"

    id = Column(String(36), primary_key=True)
    owner_id = Column(String(191), nullable=False)
    title = Column(String(200))
    document_id = Column(String(191))
    section_id = Column(String(191))
    messages = Column(JSON, nullable=False)
    context_documents = Column(JSON, nullable=False)
    references = Column(JSON, nullable=False)
    config = Column(JSON, nullable=False)
    meta = Column("metadata", JSON, nullable=False)
    pinned = Column(Boolean, nullable=False)
    archived = Column(Boolean, nullable=False)
    version = Column(Integer, nullable=False)
    last_message_at = Column(DATETIME(fsp=3))
    created_at = Column(DATETIME(fsp=3), nullable=False)
    updated_at = Column(DATETIME(fsp=3), nullable=False)

    def to_dict(self):
        return {
            "id": self.id,
            "title": self.title,
            "document_id": self.document_id,
            "section_id": self.section_id,
            "messages": self.messages,
            "context_documents": self.context_documents,
            "references": self.references,
            "config": self.config,
            "metadata": self.meta,
            "pinned": self.pinned,
            "archived": self.archived,
            "message_count": len(self.messages),
            "last_message_at": iso(self.last_message_at),
            "version": self.version,
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
        }


app = Flask(__name__)


@app.teardown_appcontext
def remove_session(_error):
    db.remove()


def find(session_id):
    owner = request.headers["X-User-Id"]
    return db.query(ChatSession).filter_by(id=session_id, owner_id=owner).first()


@app.get("/api/chat-sessions/<session_id>")
def get_session(session_id):
    session = find(session_id)
    if session is None:
        return jsonify({"error": "Chat session not found"}), 404
    return jsonify({"chat_session": session.to_dict()})


@app.post("/api/chat-sessions/<session_id>/messages")
def append_message(session_id):
    session = find(session_id)
    if session is None:
        return jsonify({"error": "Chat session not found"}), 404
    data = request.get_json()
    now = datetime.utcnow()
    message = {
        "id": data["id"],
        "seq": len(session.messages) + 1,
        "parent_id": session.messages[-1]["id"] if session.messages else None,
        "role": data["role"],
        "content": data["content"],
        "parts": data.get("parts"),
        "references": [],
        "metadata": {},
        "timestamp": iso(now),
        "edited_at": None,
    }
    session.messages = session.messages + [message]
    session.version += 1
    session.last_message_at = session.updated_at = now
    db.commit()
    return jsonify({"message": message}), 201
