import CloudEvents

/// What every ID of the order system promises: 1 to 64 of the characters `A-Z a-z 0-9 _ -`.
///
/// IDs arrive in paths and bodies from outside and end up in Redis keys; braces, dots, spaces,
/// newlines and oversize texts never become one. An ID that is a UUID is the same in any letter
/// case (RFC 9562): it is read in any, and kept and written in lower case.
public protocol EntityID: Codable, Hashable, Sendable, CustomStringConvertible {
    /// The ID as it is written in URLs, events and keys.
    var text: String { get }

    /// Wraps a text that is known to be well formed.
    init(wellFormed text: String)
}

extension EntityID {
    /// Accepts a well-formed ID and nothing else.
    public init?(_ text: String) {
        guard isWellFormedID(text) else { return nil }
        self.init(wellFormed: UUIDText.normal(text))
    }

    /// The ID as it is written in URLs, events and keys.
    public var description: String { text }

    /// Decodes a well-formed ID; anything else is a decoding error.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard isWellFormedID(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "not an ID: 1 to 64 of A-Z a-z 0-9 _ -")
        }
        self.init(wellFormed: UUIDText.normal(text))
    }

    /// Encodes the ID as a JSON string.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

private func isWellFormedID(_ text: String) -> Bool {
    let bytes = text.utf8
    guard (1...64).contains(bytes.count) else { return false }
    return bytes.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2D: true
        default: false
        }
    }
}

/// Names an order, and with it the order's saga, payment and shipment.
public struct OrderID: EntityID {
    /// The ID as it is written in URLs, events and keys.
    public let text: String

    /// Wraps a text that is known to be well formed.
    public init(wellFormed text: String) {
        self.text = text
    }
}

/// Names a user of the user service.
public struct UserID: EntityID {
    /// The ID as it is written in URLs, events and keys.
    public let text: String

    /// Wraps a text that is known to be well formed.
    public init(wellFormed text: String) {
        self.text = text
    }
}

/// Names a product of the product service, and its stock in the inventory.
public struct ProductID: EntityID {
    /// The ID as it is written in URLs, events and keys.
    public let text: String

    /// Wraps a text that is known to be well formed.
    public init(wellFormed text: String) {
        self.text = text
    }
}
