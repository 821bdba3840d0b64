import JSONText

/// Reads the members of a request's JSON object and remembers everything that is wrong.
///
/// Every method answers with a usable value even where the field is faulty, so that one pass finds
/// all faults; ``JSONDocument/read(unknown:_:)`` throws the result away if there was any.
///
///     let draft = try document.read { fields in
///         Draft(
///             userID: fields.identifier("userId"),
///             quantity: fields.integer("quantity", in: 1...1000),
///             address: fields.object("shipping") { Address(city: $0.string("city")) })
///     }
public final class FieldReader {
    /// What happens with members that nobody asked for.
    public enum Unknown: Sendable {
        /// They are ignored.
        case ignored
        /// Each is a fault: right where all fields are optional, and a typing error in a name
        /// would otherwise be ignored.
        case refused
    }

    final class Faults {
        var all: [Problem.Fault] = []
    }

    private let members: [StrictJSON.Member]
    private let pointer: String
    private let faults: Faults
    private let unknown: Unknown
    /// Stands for an object that is missing: what it lacks has been reported already.
    private let isAbsent: Bool
    private var asked: Set<String> = []

    init(
        members: [StrictJSON.Member], pointer: String, faults: Faults, unknown: Unknown,
        isAbsent: Bool = false
    ) {
        self.members = members
        self.pointer = pointer
        self.faults = faults
        self.unknown = unknown
        self.isAbsent = isAbsent
    }

    // MARK: - Required fields

    /// A text on one line: no control characters, not blank, its length in characters limited.
    public func string(_ name: String, length: ClosedRange<Int> = 1...200) -> String {
        required(name, "a string") { checked($0, name, length: length) } ?? ""
    }

    /// A text that may stand in a path: see ``ResourceID``.
    public func identifier(_ name: String) -> String {
        required(name, "a string") { value in
            guard case .string(let text) = value else { return wrong(name, "a string", value) }
            return ResourceID.normal(text) ?? fault(name, ResourceID.rule)
        } ?? ""
    }

    /// An integer within a range; `1.0`, `1e0` and `"1"` are none.
    public func integer(_ name: String, in range: ClosedRange<Int>) -> Int {
        required(name, "an integer") { checked($0, name, in: range) } ?? range.lowerBound
    }

    /// One of a few words.
    public func choice(_ name: String, of words: [String]) -> String {
        required(name, "a string") { value in
            guard case .string(let text) = value else { return wrong(name, "a string", value) }
            guard words.contains(text) else {
                return fault(name, "must be one of \(words.joined(separator: ", "))")
            }
            return text
        } ?? ""
    }

    /// A truth value.
    public func boolean(_ name: String) -> Bool {
        required(name, "a boolean") { value in
            guard case .bool(let truth) = value else { return wrong(name, "a boolean", value) }
            return truth
        } ?? false
    }

    /// An object; if it is missing, `read` still runs, on a reader that reports nothing more.
    public func object<Result>(_ name: String, _ read: (FieldReader) -> Result) -> Result {
        let members: [StrictJSON.Member]? = required(name, "an object") { value in
            guard case .object(let members) = value else { return wrong(name, "an object", value) }
            return members
        }
        let reader = FieldReader(
            members: members ?? [], pointer: path(to: name), faults: faults, unknown: unknown,
            isAbsent: members == nil)
        let result = read(reader)
        reader.refuseUnknownMembers()
        return result
    }

    // MARK: - Optional fields

    /// Whether the object has this member, be it null.
    public func has(_ name: String) -> Bool {
        asked.insert(name)
        return members.contains { $0.name == name }
    }

    /// Like ``string(_:length:)``; nil if the member is missing.
    ///
    /// Null is a fault.
    public func optionalString(_ name: String, length: ClosedRange<Int> = 1...200) -> String? {
        has(name) ? string(name, length: length) : nil
    }

    /// Like ``integer(_:in:)``; nil if the member is missing.
    ///
    /// Null is a fault.
    public func optionalInteger(_ name: String, in range: ClosedRange<Int>) -> Int? {
        has(name) ? integer(name, in: range) : nil
    }

    /// Like ``object(_:_:)``; nil if the member is missing.
    ///
    /// Null is a fault.
    public func optionalObject<Result>(
        _ name: String, _ read: (FieldReader) -> Result
    ) -> Result? {
        has(name) ? object(name, read) : nil
    }

    /// Whether a text that may be missing is: not there, null, or nothing that could be seen.
    func isLeftOut(_ name: String) -> Bool {
        asked.insert(name)
        switch members.first(where: { $0.name == name })?.value {
        case nil, .null: return true
        case .string(let text): return Self.isBlank(text)
        default: return false
        }
    }

    // MARK: - Faults

    /// Adds a fault of the caller's own finding, worded to follow the field's name.
    public func report(_ name: String, _ detail: String) {
        guard !isAbsent else { return }
        faults.all.append(Problem.Fault(.pointer(path(to: name)), detail))
    }

    func refuseUnknownMembers() {
        guard unknown == .refused else { return }
        for member in members where !asked.contains(member.name) {
            report(member.name, "is not a field that can be given here")
        }
    }

    /// Returns nil so that checks can end with it.
    func fault<Value>(_ name: String, _ detail: String) -> Value? {
        report(name, detail)
        return nil
    }

    func wrong<Value>(_ name: String, _ kind: String, _ value: StrictJSON) -> Value? {
        fault(name, "must be \(kind), not \(value.kind)")
    }

    func required<Value>(
        _ name: String, _ kind: String, _ check: (StrictJSON) -> Value?
    ) -> Value? {
        asked.insert(name)
        guard let member = members.first(where: { $0.name == name }) else {
            return fault(name, "is missing; it must be \(kind)")
        }
        return check(member.value)
    }

    private func checked(
        _ value: StrictJSON, _ name: String, length: ClosedRange<Int>
    ) -> String? {
        guard case .string(let text) = value else { return wrong(name, "a string", value) }
        guard length.contains(text.count), text.utf8.count <= length.upperBound * 4 else {
            return fault(
                name, "must have \(length.lowerBound) to \(length.upperBound) characters")
        }
        guard !text.unicodeScalars.contains(where: Self.isControl) else {
            return fault(name, "must not contain control characters or line breaks")
        }
        guard text.isEmpty || !Self.isBlank(text) else {
            return fault(name, "must not be blank")
        }
        return text
    }

    private func checked(
        _ value: StrictJSON, _ name: String, in range: ClosedRange<Int>
    ) -> Int? {
        switch value {
        case .integer(let number):
            guard let number = Int(exactly: number), range.contains(number) else { break }
            return number
        case .decimal: break
        default: return wrong(name, "an integer", value)
        }
        return fault(
            name, "must be an integer from \(range.lowerBound) to \(range.upperBound)")
    }

    /// Whether nothing of the text can be seen; zero-width characters and fillers cannot.
    private static func isBlank(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { scalar in
            scalar.properties.isWhitespace || scalar.properties.isDefaultIgnorableCodePoint
                || scalar == "\u{2800}"
        }
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
            || scalar.value == 0x2028 || scalar.value == 0x2029
    }

    /// RFC 6901: `~` and `/` within a name are escaped.
    private func path(to name: String) -> String {
        var escaped = ""
        for character in name.prefix(64) {
            switch character {
            case "~": escaped += "~0"
            case "/": escaped += "~1"
            default: escaped.append(character)
            }
        }
        return "\(pointer)/\(escaped)"
    }
}
