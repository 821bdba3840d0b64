/// Colours on a terminal, plain text elsewhere and under `NO_COLOR`.
struct Palette: Sendable {
    enum Colour: String { case red = "31", green = "32", yellow = "33", blue = "34", grey = "90" }

    var isColoured: Bool

    init(for output: LineOutput, environment: EnvironmentOptions) {
        isColoured =
            output.isTerminal && (environment.variables["NO_COLOR"] ?? "").isEmpty
            && environment.variables["TERM"] != "dumb"
    }

    init(isColoured: Bool) { self.isColoured = isColoured }

    func paint(_ text: String, _ colour: Colour, bold: Bool = false) -> String {
        isColoured ? "\u{1B}[\(bold ? "1;" : "")\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }

    func bold(_ text: String) -> String { isColoured ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
}

extension String {
    func padded(to width: Int) -> String {
        count >= width ? self : self + String(repeating: " ", count: width - count)
    }
}

/// Rows of text in aligned columns, two blanks apart; the last column is not padded.
enum TextTable {
    static func lines(_ rows: [[String]], indent: String = "  ") -> [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            let cells = row.enumerated().map { index, cell in
                index == row.count - 1 ? cell : cell.padded(to: widths[index])
            }
            return indent + cells.joined(separator: "  ")
        }
    }
}
