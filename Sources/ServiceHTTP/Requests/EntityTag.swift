import HTTPTypes
public import Hummingbird

/// The version of a resource, as it stands in `ETag`, `If-Match` and `If-None-Match`.
public struct EntityTag: Sendable, Hashable, CustomStringConvertible {
    private let opaque: String

    /// A strong tag.
    ///
    /// What quotes or separates tags is replaced, so any text will do.
    public init(_ text: String) {
        self.opaque = String(
            decoding: text.utf8.map { byte in
                byte > 0x20 && byte < 0x7F && byte != 0x22 && byte != 0x2C ? byte : 0x5F
            }, as: UTF8.self)
    }

    /// The field's value, with its quotes.
    public var description: String { "\"\(opaque)\"" }

    /// Whether a list of tags names this one, or is `*`.
    ///
    /// Weak tags count only if asked for.
    fileprivate func isNamed(in list: String, weakly: Bool) -> Bool {
        list.split(separator: ",").contains { part in
            var tag = part[...]
            while tag.first == " " || tag.first == "\t" { tag.removeFirst() }
            while tag.last == " " || tag.last == "\t" { tag.removeLast() }
            if tag == "*" { return true }
            if weakly, tag.hasPrefix("W/") { tag.removeFirst(2) }
            return tag == description
        }
    }
}

extension Request {
    /// Whether the client has this version already, so that a 304 is the answer.
    public func hasCurrent(_ tag: EntityTag) -> Bool {
        headers[.ifNoneMatch].map { tag.isNamed(in: $0, weakly: true) } ?? false
    }

    /// Throws 412 if the client wants to change another version than this one.
    public func requireMatch(_ tag: EntityTag) throws(Problem) {
        guard let wanted = headers[.ifMatch], !tag.isNamed(in: wanted, weakly: false) else {
            return
        }
        throw Problem(
            .preconditionFailed, code: "version_mismatch",
            detail: "The resource has changed since it was read; its version is \(tag).",
            headers: [.eTag: tag.description])
    }
}
