;;; copilot-offline-places.el --- Repositories, files and their URIs  -*- lexical-binding: t; -*-

;;; Commentary:

;; Where the repository of a file begins, and what files are called in messages.  Knows nothing of the server.

;;; Code:

(require 'seq)
(require 'subr-x)
(require 'url-util)

(defcustom copilot-offline-root-markers '(".git" ".copilot.toml")
  "What the root of a repository has in it."
  :type '(repeat string)
  :group 'copilot-offline)

(defun copilot-offline--root (&optional file)
  "The root of the repository that FILE or this buffer's file is in, or nil."
  (let ((start (or file buffer-file-name default-directory)))
    (seq-some (lambda (marker)
                (when-let ((root (locate-dominating-file start marker)))
                  (expand-file-name root)))
              copilot-offline-root-markers)))

(defun copilot-offline--uri (path)
  "The URI of the file at PATH."
  (let ((full (directory-file-name (expand-file-name path))))
    (concat (if (eq system-type 'windows-nt) "file:///" "file://")
            (url-hexify-string (encode-coding-string full 'utf-8)
                               (append "/:" url-unreserved-chars nil)))))

(defun copilot-offline--path (uri)
  "The path of the file that URI names."
  (let ((path (decode-coding-string (url-unhex-string (string-remove-prefix "file://" uri)) 'utf-8)))
    (if (eq system-type 'windows-nt) (string-remove-prefix "/" path) path)))

(provide 'copilot-offline-places)
;;; copilot-offline-places.el ends here
