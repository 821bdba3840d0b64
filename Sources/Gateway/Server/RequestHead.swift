import NIOCore

/// The head of one request, checked, with its target in normal form.
///
/// Fields are offsets into the head's own bytes: a request that is answered from memory never
/// turns one into a `String`.
package struct RequestHead: Sendable {
    /// Names that the gateway itself acts on.
    package enum KnownField: UInt16, Sendable {
        case other, host, contentLength, transferEncoding, connection, expect, cacheControl
        case pragma, authorization, cookie, ifNoneMatch, requestID, traceparent
    }

    /// How the end of the body is found.
    package enum Framing: Sendable, Equatable {
        case none
        case length(Int)
        case chunked
    }

    struct Field: Sendable {
        let known: KnownField
        let name: Range<UInt32>
        let value: Range<UInt32>
    }

    package let method: RequestMethod
    package let target: RequestTarget
    /// 0 for HTTP/1.0, 1 for HTTP/1.1.
    package let minorVersion: UInt8
    package let framing: Framing
    /// Whether the client wants the connection kept after the answer.
    package let keepsAlive: Bool
    /// Whether the client waits for `100 Continue` before it sends the body.
    package let expectsContinue: Bool
    let bytes: ByteBuffer
    let fields: [Field]
    /// One bit for each known field that is there.
    let knownFields: UInt16
}

extension RequestHead {
    /// The names and values in the order of arrival; each scalar of a value stands for one byte.
    package var allFields: [(name: String, value: String)] {
        fields.map { (text($0.name), text($0.value)) }
    }

    /// The value of the first field of that name, if there is one.
    package func first(_ known: KnownField) -> String? {
        guard contains(known) else { return nil }
        for field in fields where field.known == known { return text(field.value) }
        return nil
    }

    /// All values of fields of the lower-case `name`, joined by commas as RFC 9110 has it.
    package func joined(_ name: String) -> String? {
        var joined: String?
        for field in fields where text(field.name).lowercased() == name {
            joined = joined.map { $0 + "," + text(field.value) } ?? text(field.value)
        }
        return joined
    }

    package func contains(_ known: KnownField) -> Bool {
        knownFields & (1 << known.rawValue) != 0
    }

    /// Each scalar stands for one byte.
    private func text(_ range: Range<UInt32>) -> String {
        bytes.withUnsafeReadableBytes {
            FieldText.text(of: $0[Int(range.lowerBound)..<Int(range.upperBound)])
        }
    }
}
