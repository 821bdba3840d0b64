public import NIOCore

/// A reply, or a part of one.
///
/// Copying it is cheap; it is a view into the bytes received.
///
/// Strings come as buffers that share memory with their reply. Whoever keeps a small part of
/// a large reply for long copies it.
public struct RedisValue: Sendable {
    enum Storage: Sendable {
        case null
        case integer(Int)
        case string(ByteBuffer)
        case status(ByteBuffer)
        case failure(ByteBuffer)
        case array(ReplyTape, Int)
    }

    let storage: Storage

    init(_ storage: Storage) {
        self.storage = storage
    }

    /// True for both forms of nothing: the nil string and the nil array.
    public var isNull: Bool {
        if case .null = storage { true } else { false }
    }

    /// The bytes of a string or a status, or nil if it is something else.
    public var buffer: ByteBuffer? {
        switch storage {
        case .string(let buffer), .status(let buffer): buffer
        default: nil
        }
    }

    /// A string or a status as text, malformed UTF-8 repaired; nil if it is something else.
    public var string: String? {
        buffer.map { String(buffer: $0) }
    }

    /// An integer, or a string that holds one in decimal.
    public var integer: Int? {
        switch storage {
        case .integer(let number): number
        case .string(let buffer): Int(String(buffer: buffer))
        default: nil
        }
    }

    /// A string that holds a number, as scores come, or an integer.
    public var double: Double? {
        switch storage {
        case .integer(let number): Double(number)
        case .string(let buffer): Double(String(buffer: buffer))
        default: nil
        }
    }

    /// The elements of an array, or nil if it is something else.
    public var array: RedisArray? {
        if case .array(let tape, let index) = storage { RedisArray(tape, index) } else { nil }
    }

    /// An error that stands in the place of a value, as in the reply to `EXEC`.
    public var error: RedisError? {
        if case .failure(let text) = storage {
            RedisError(serverText: String(buffer: text))
        } else {
            nil
        }
    }

    /// The element at `index`, or nil if this is not an array or has no such element.
    public subscript(_ index: Int) -> RedisValue? {
        guard case .array(let tape, let parent) = storage, index >= 0,
            index < tape.childCount(parent)
        else { return nil }
        return tape.value(tape.child(index, of: parent))
    }
}

/// The elements of an array reply.
public struct RedisArray: RandomAccessCollection, Sendable {
    private let tape: ReplyTape
    private let first: Int
    /// Where each child stands; nil if no child has children, so that they stand in a row.
    private let places: [Int32]?
    /// Number of elements.
    public let count: Int

    init(_ tape: ReplyTape, _ index: Int) {
        self.tape = tape
        first = index + 1
        count = tape.childCount(index)
        guard tape.end(index) - first != count else {
            places = nil
            return
        }
        var places: [Int32] = []
        places.reserveCapacity(count)
        var place = first
        for _ in 0..<count {
            places.append(Int32(place))
            place = tape.end(place)
        }
        self.places = places
    }

    /// Always 0.
    public var startIndex: Int { 0 }
    /// Equal to `count`.
    public var endIndex: Int { count }

    /// The element at `position`, which must be an index of the array.
    public subscript(position: Int) -> RedisValue {
        precondition(position >= 0 && position < count, "a reply has no element \(position)")
        return tape.value(places.map { Int($0[position]) } ?? first + position)
    }
}

extension RedisValue: CustomStringConvertible {
    /// The value as `redis-cli` would tell it, without its contents' secrets being withheld;
    /// meant for tests and debuggers.
    public var description: String {
        switch storage {
        case .null: "nil"
        case .integer(let number): "\(number)"
        case .string(let buffer): "\"\(String(buffer: buffer))\""
        case .status(let buffer): String(buffer: buffer)
        case .failure(let buffer): "error(\(String(buffer: buffer)))"
        case .array: "[\((array ?? RedisArray.none).map(\.description).joined(separator: ", "))]"
        }
    }
}

extension RedisArray {
    static let none = RedisArray(
        ReplyTape(nodes: [], firstIndex: 0, bytes: ByteBuffer(), firstByte: 0), empty: ())

    private init(_ tape: ReplyTape, empty: Void) {
        self.tape = tape
        first = 0
        count = 0
        places = nil
    }
}

extension RedisValue: Equatable {
    /// Equal kind and content; both forms of nothing are equal.
    public static func == (left: RedisValue, right: RedisValue) -> Bool {
        switch (left.storage, right.storage) {
        case (.null, .null): true
        case (.integer(let one), .integer(let other)): one == other
        case (.string(let one), .string(let other)): one == other
        case (.status(let one), .status(let other)): one == other
        case (.failure(let one), .failure(let other)): one == other
        case (.array, .array):
            (left.array ?? .none).elementsEqual(right.array ?? .none)
        default: false
        }
    }
}
