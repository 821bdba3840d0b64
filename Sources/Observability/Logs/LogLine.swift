import JSONText
import Logging
import Timekeeping

/// Collects the fields of one line in either format.
struct LogLine {
    private let format: LogFormat
    private var bytes: [UInt8] = []

    init(format: LogFormat) {
        self.format = format
        bytes.reserveCapacity(256)
        if format == .json { bytes.append(0x7B) }
    }

    /// A name that does not collide with the fields that the line has already.
    static func free(_ name: String, hasError: Bool) -> String {
        switch name {
        case "time", "level", "logger", "message": "metadata.\(name)"
        case "error" where hasError: "metadata.\(name)"
        default: name
        }
    }

    /// What stands in the place of lines that nobody could take.
    static func dropped(_ count: Int, _ format: LogFormat) -> [UInt8] {
        var line = LogLine(format: format)
        line.add("time", Timestamp.now().description)
        line.add("level", Logger.Level.warning.rawValue)
        line.add("logger", "log")
        line.add("message", "log lines were dropped here, because nobody read the ones before")
        line.add("count", .stringConvertible(count))
        return line.finished()
    }

    mutating func add(_ name: String, _ text: String) {
        startField(name)
        switch format {
        case .json: appendQuoted(text)
        case .logfmt: appendBare(text)
        }
    }

    mutating func add(_ name: String, _ value: Logger.MetadataValue) {
        startField(name)
        switch format {
        case .json: appendJSON(value)
        case .logfmt: appendBare(value.description)
        }
    }

    consuming func finished() -> [UInt8] {
        if format == .json { bytes.append(0x7D) }
        bytes.append(0x0A)
        return bytes
    }

    private mutating func startField(_ name: String) {
        switch format {
        case .json:
            if bytes.count > 1 { bytes.append(0x2C) }
            appendQuoted(name)
            bytes.append(0x3A)
        case .logfmt:
            if !bytes.isEmpty { bytes.append(0x20) }
            for byte in name.utf8 {
                let isPlain = byte > 0x20 && byte != 0x3D && byte != 0x22 && byte != 0x7F
                bytes.append(isPlain ? byte : 0x5F)
            }
            bytes.append(0x3D)
        }
    }

    private mutating func appendJSON(_ value: Logger.MetadataValue) {
        switch value {
        case .string(let text): appendQuoted(text)
        case .stringConvertible(let convertible):
            if let literal = Self.literal(convertible) {
                bytes.append(contentsOf: literal.utf8)
            } else {
                appendQuoted(convertible.description)
            }
        case .array(let values):
            bytes.append(0x5B)
            for (index, value) in values.enumerated() {
                if index > 0 { bytes.append(0x2C) }
                appendJSON(value)
            }
            bytes.append(0x5D)
        case .dictionary(let members):
            bytes.append(0x7B)
            for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { bytes.append(0x2C) }
                appendQuoted(member.key)
                bytes.append(0x3A)
                appendJSON(member.value)
            }
            bytes.append(0x7D)
        }
    }

    /// Numbers and truth values as JSON writes them; `nil` for everything else.
    static func literal(_ value: any CustomStringConvertible) -> String? {
        switch value {
        case let number as any BinaryInteger: number.description
        case let number as Double where number.isFinite: number.description
        case let number as Float where number.isFinite: number.description
        case let truth as Bool: truth ? "true" : "false"
        default: nil
        }
    }

    private mutating func appendBare(_ text: String) {
        let isBare =
            !text.utf8.contains { $0 == 0x20 || $0 == 0x22 || $0 == 0x3D }
            && !text.unicodeScalars.contains(where: Self.isControl)
        if isBare && !text.isEmpty {
            bytes.append(contentsOf: text.utf8)
        } else {
            appendQuoted(text)
        }
    }

    /// Whether nothing in the text has to be escaped.
    private static func isPlain(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }
    }

    /// C1 controls and the separators U+2028 and U+2029 end a line, or begin a command, in some
    /// terminals and viewers, so they count among control characters.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F...0x9F, 0x2028, 0x2029: true
        default: false
        }
    }

    /// Both formats share JSON's quoting.
    private mutating func appendQuoted(_ text: String) {
        bytes.append(0x22)
        if Self.isPlain(text) {
            bytes.append(contentsOf: text.utf8)
        } else {
            bytes.append(escaped: text, also: Self.isControl)
        }
        bytes.append(0x22)
    }
}
