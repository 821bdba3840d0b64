import Logging
import Observability
import ServiceHTTP
import Synchronization
import Timekeeping

/// The books and their file, kept in step: what is answered is on the disk.
final class Sandbox: Sendable {
    private let books: Mutex<Books>
    private let journal: Journal

    /// Reads the file, line by line.
    ///
    /// A last line that was torn by a crash is cut off: nobody can
    /// have got an answer for it.
    init(path: String, logger: Logger) throws(SandboxError) {
        let file = try JournalFile(path: path)
        let content = try file.readAll()
        var books = Books()
        var start = 0
        while let end = content[start...].firstIndex(of: 0x0A) {
            guard let entry = BookEntry(line: content[start..<end]),
                entry.number == books.entries.count + 1
            else {
                guard end + 1 == content.count else {
                    throw SandboxError(
                        .fileCorrupt,
                        "line \(books.entries.count + 1) of \(path) is unreadable; mend it, or "
                            + "move the file away to begin with empty books")
                }
                break
            }
            books.apply(entry)
            start = end + 1
        }
        if start < content.count {
            logger.warning(
                "a line torn by a crash was cut off",
                metadata: ["file": "\(path)", "bytes": "\(content.count - start)"])
            try file.truncate(to: start)
        }
        let count = books.entries.count
        self.books = Mutex(books)
        self.journal = Journal(file, lines: count)
    }

    /// A look at the books.
    ///
    /// Writers wait meanwhile, so it must be short.
    func read<Result: Sendable>(_ look: (borrowing Books) -> Result) -> Result {
        books.withLock { look($0) }
    }

    /// Whether answers can be promised.
    var isHealthy: Bool { journal.isHealthy }

    /// Does what is asked, once per key, and returns when it is on the disk.
    func submit(_ request: SandboxRequest, key: String) async throws(Problem) -> BookEntry {
        let result = books.withLock { books -> Result<BookEntry, Problem> in
            switch books.decide(request, key: key, time: .now()) {
            case .refuse(let problem): return .failure(problem)
            case .repeated(let entry): return .success(entry)
            case .write(let entry):
                do throws(SandboxError) {
                    try journal.append(entry.line())
                } catch {
                    return .failure(.outOfOrder(error))
                }
                books.apply(entry)
                return .success(entry)
            }
        }
        let entry = try result.get()
        do {
            try await journal.durable(entry.number)
        } catch {
            throw .outOfOrder(error)
        }
        return entry
    }
}

extension Problem {
    fileprivate static func outOfOrder(_ error: any Error) -> Problem {
        .unavailable("The sandbox cannot write to its disk.", retryAfterSeconds: 5, cause: error)
    }
}
